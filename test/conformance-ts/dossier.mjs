// Dossier as the tests run it: built when this module is loaded, and served over
// databases of their own.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const cache = fileURLToPath(new URL("node_modules/.cache/dossier/", import.meta.url));
const binary = join(cache, "dossier");

// Test files are processes of their own that may run at the same time. In a place
// that all of them use, go build finds the program up to date after the first; and
// with its work beside it, it can move a new one there whole.
mkdirSync(cache, { recursive: true });
execFileSync("go", ["build", "-o", binary, "./cmd/dossier"], {
  cwd: fileURLToPath(new URL("../..", import.meta.url)),
  env: { ...process.env, GOTMPDIR: cache },
});

// dossier runs a command and returns what it prints.
export const dossier = (...args) => execFileSync(binary, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

// serve serves a new database on a free port. stop ends the server, removes the
// database and returns the server's log.
export async function serve(...flags) {
  const dir = mkdtempSync(join(tmpdir(), "dossier-"));
  const db = join(dir, "dossier.db");
  const server = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--db", db, ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(server, "exit");
  let log = "";
  const stop = async () => {
    server.kill("SIGINT");
    await ended;
    rmSync(dir, { recursive: true, force: true });
    return log;
  };
  const listening = new Promise((resolve) => {
    server.stderr.setEncoding("utf8").on("data", (chunk) => {
      log += chunk;
      const m = /listening on (\S+)\n/.exec(log);
      if (m) resolve(m[1]);
    });
  });
  const url = await Promise.race([listening, ended.then(() => undefined)]);
  if (!url) throw new Error("dossier serve ended: " + (await stop()));
  return { url, db, stop };
}
