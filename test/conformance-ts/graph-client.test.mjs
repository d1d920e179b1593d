// Runs graph-client.mjs against a server that speaks TLS and wants tokens. Node
// reads the certificates that it is to trust when it starts, so the tests are in a
// process of their own; what it reports, this one reports.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { serve } from "./dossier.mjs";

const server = await serve("--tls-self-signed", "--auth", "required");
const tests = spawn(process.execPath, [fileURLToPath(new URL("graph-client.mjs", import.meta.url))], {
  stdio: "inherit",
  env: { ...process.env, NODE_EXTRA_CA_CERTS: server.db + ".ca.pem", DOSSIER_URL: server.url, DOSSIER_DB: server.db },
});
const [code] = await once(tests, "exit");
const log = await server.stop();
if (code !== 0) console.error(log);
process.exitCode = code ?? 1;
