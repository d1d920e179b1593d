// Microsoft's MSAL for Node and its JavaScript Graph client, against a server that
// is its own authority. graph-client.test.mjs starts this file, with DOSSIER_URL
// and DOSSIER_DB.
import assert from "node:assert/strict";
import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import test, { before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, rootCertificates } from "node:tls";

import { ConfidentialClientApplication, ServerError } from "@azure/msal-node";
import { BatchRequestContent, BatchResponseContent, Client, GraphError, PageIterator, ResponseType } from "@microsoft/microsoft-graph-client";

import { dossier } from "./dossier.mjs";

// A name, as the certificate and real installations have one.
const { port } = new URL(process.env.DOSSIER_URL);
const base = "https://localhost:" + port;
const scopes = ["https://graph.microsoft.com/.default"];
const profiles = "/security/threatIntelligence/intelProfiles";
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

// sent are the requests of both libraries, which use Node's own fetch.
const sent = [];
subscribe("undici:request:create", ({ request }) => sent.push(request));
const sentHeader = (request, name) => {
  const i = request.headers.findIndex((h, i) => i % 2 === 0 && h.toLowerCase() === name);
  return i < 0 ? undefined : request.headers[i + 1];
};

// addClient makes an API client and returns its id, its secret and when it expires.
function addClient(name, ...flags) {
  const { client, secret } = JSON.parse(dossier("client", "add", name, "--db", process.env.DOSSIER_DB, "--json", ...flags));
  return { secret, id: client.id, expires: client.expires };
}

const revoke = (client) => dossier("client", "revoke", client.id, "--db", process.env.DOSSIER_DB);

const msal = ({ id, secret }, tenant = "contoso.onmicrosoft.com") =>
  new ConfidentialClientApplication({ auth: { clientId: id, clientSecret: secret, authority: `${base}/${tenant}`, knownAuthorities: ["localhost:" + port] } });

// graph returns a Graph client that gets its tokens from MSAL.
function graph(client, options = {}) {
  const app = msal(client);
  return Client.initWithMiddleware({
    baseUrl: base,
    customHosts: new Set(["localhost"]),
    authProvider: { getAccessToken: async () => (await app.acquireTokenByClientCredential({ scopes })).accessToken },
    ...options,
  });
}

// withToken returns a Graph client that sends the token, whatever it is.
const withToken = (token) => Client.init({ baseUrl: base, customHosts: new Set(["localhost"]), authProvider: (done) => done(null, token) });

// refused checks the GraphError that a call ends with and returns it.
async function refused(call, statusCode, code, message) {
  const e = await call.then(() => assert.fail("it succeeded"), (e) => e);
  assert.ok(e instanceof GraphError, e.stack);
  assert.deepEqual([e.statusCode, e.code], [statusCode, code], e.message);
  assert.match(e.message, message);
  assert.match(e.requestId, guid);
  assert.equal(e.requestId, e.headers.get("request-id"));
  assert.ok(e.date > 0, "no date");
  return e;
}

// noToken checks the error of MSAL that asking for a token ends with.
async function noToken(client, errorCode, status, message, request = { scopes }) {
  const e = await msal(client).acquireTokenByClientCredential(request).then(() => assert.fail("there is a token"), (e) => e);
  assert.ok(e instanceof ServerError, e.stack);
  assert.deepEqual([e.errorCode, e.status], [errorCode, status], e.message);
  assert.match(e.errorMessage, message);
  assert.ok(!e.message.includes(client.secret), "the secret is in the error");
}

let reader, client;

before(() => {
  reader = addClient("reader");
  client = graph(reader);
});

test("the certificate is checked", async () => {
  await assert.rejects(once(connect({ host: "localhost", port, ca: rootCertificates }), "secureConnect"), { code: "SELF_SIGNED_CERT_IN_CHAIN" });
});

test("MSAL gets a token and keeps it", async () => {
  const app = msal(reader);
  const from = sent.length;
  const token = await app.acquireTokenByClientCredential({ scopes });
  assert.deepEqual(sent.slice(from).map((r) => r.method + " " + r.path.replace(/\?.*/, "")), [
    "GET /contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration",
    "POST /contoso.onmicrosoft.com/oauth2/v2.0/token",
  ]);
  assert.equal(token.tokenType, "Bearer");
  assert.equal(token.fromCache, false);
  const minutes = (token.expiresOn - Date.now()) / 60_000;
  assert.ok(minutes > 55 && minutes <= 60, minutes + " minutes");
  const claims = JSON.parse(Buffer.from(token.accessToken.split(".")[1], "base64url"));
  assert.equal(claims.aud, "https://graph.microsoft.com");
  assert.equal(claims.appid, reader.id);
  assert.deepEqual(claims.roles, ["ThreatIntelligence.Read.All"]);

  const again = await app.acquireTokenByClientCredential({ scopes });
  assert.equal(again.fromCache, true);
  assert.equal(again.accessToken, token.accessToken);
  assert.equal(sent.length, from + 2);
});

test("any tenant will do", async () => {
  const { accessToken } = await msal(reader, "72f988bf-86f1-41af-91ab-2d7cd011db47").acquireTokenByClientCredential({ scopes });
  const page = await withToken(accessToken).api(profiles).top(1).get();
  assert.equal(page.value.length, 1);
});

test("MSAL's own errors", async () => {
  await noToken({ ...reader, secret: reader.secret + "x" }, "invalid_client", 401, /AADSTS7000215/);
  await noToken({ ...reader, id: "00000000-0000-4000-8000-000000000000" }, "invalid_client", 401, /AADSTS7000215/);
  await noToken(reader, "invalid_scope", 400, /AADSTS500011/, { scopes: ["https://management.azure.com/.default"] });
});

for (const version of ["v1.0", "beta"]) {
  test("lists with options, " + version, async () => {
    const page = await graph(reader, { defaultVersion: version })
      .api(profiles).filter("kind eq 'actor'").orderby("title desc").top(3).select("id,title").select("kind").count().search('"Blizzard"').get();
    assert.equal(page["@odata.context"], `${base}/${version}/$metadata#security/threatIntelligence/intelProfiles(id,kind,title)`);
    assert.ok(page["@odata.nextLink"].startsWith(`${base}/${version}${profiles}?`), page["@odata.nextLink"]);
    assert.equal(page.value.length, 3);
    assert.ok(page["@odata.count"] > 3);
    for (const p of page.value) {
      assert.deepEqual(Object.keys(p), ["@odata.type", "id", "kind", "title"]);
      assert.equal(p.kind, "actor");
    }
    const titles = page.value.map((p) => p.title.toUpperCase());
    assert.deepEqual(titles, titles.toSorted().reverse());
  });
}

test("reads a profile, its indicators and their number", async () => {
  const { value } = await client.api(profiles).search('"Forest Blizzard"').get();
  const { id } = value.find((p) => p.title === "APT28");
  const one = await client.api(`${profiles}/${id}`).get();
  assert.equal(one.title, "APT28");
  assert.equal(one.countriesOrRegionsOfOrigin[0].code, "RU");
  assert.equal(one.summary.format, "text");
  const beta = await client.api(`${profiles}/${id}`).version("beta").get();
  assert.deepEqual(beta, { ...one, "@odata.context": one["@odata.context"].replace("/v1.0/", "/beta/") });
  const page = await client.api(`${profiles}/${id}/indicators`).top(1000).count().get();
  assert.ok(page.value.length > 0);
  assert.equal(page["@odata.count"], page.value.length);
  assert.equal(await client.api(`${profiles}/${id}/indicators/$count`).get(), String(page.value.length)); // it is text/plain
});

test("an unknown id is a GraphError", async () => {
  const e = await refused(client.api(profiles + "/nope").get(), 404, "ResourceNotFound", /nope/);
  assert.equal(JSON.parse(e.body).innerError["client-request-id"], sentHeader(sent.at(-1), "client-request-id"));
});

test("a bad filter is told precisely", async () => {
  const filtered = (filter) => client.api(profiles).filter(filter).get();
  await refused(filtered("title eq"), 400, "BadRequest", /^Invalid filter clause: expected a property, function or literal at position 9/);
  // The client does not encode values, so an & ends the filter.
  await refused(filtered("startswith(title,'Mint & co')"), 400, "BadRequest", /unterminated string literal starting at position 18; an '&' in a value must be sent as %26/);
  assert.ok((await filtered("startswith(title,'Mint') or contains(title,'%26')")).value.length > 0);
});

test("the page iterator reaches every profile once", async () => {
  const ids = new Set();
  const first = await client.api(profiles).top(300).orderby("title").select("id").count().get();
  const pages = new PageIterator(client, first, ({ id }) => {
    assert.ok(!ids.has(id), "a row comes twice");
    ids.add(id);
    return ids.size !== 450; // stop once, in the middle of a page
  });
  await pages.iterate();
  assert.equal(ids.size, 450);
  assert.equal(pages.isComplete(), false);
  await pages.resume();
  assert.equal(pages.isComplete(), true);
  assert.ok(ids.size > 1000);
  assert.equal(ids.size, first["@odata.count"]);
});

async function batch(client, ...steps) {
  const content = await new BatchRequestContent(steps).getContent();
  return new BatchResponseContent(await client.api("/$batch").post(content));
}

test("a batch", async () => {
  // Addresses in a batch have no version, so the ones given to the client have none.
  const at = (path, options) => new Request(base + profiles + path, options);
  const answers = await batch(client,
    { id: "1", request: at("?$filter=kind eq 'tool'&$top=2&$select=id,kind") },
    { id: "2", request: at("/nope") },
    { id: "3", request: at("", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"title":"x"}' }) });
  const tools = answers.getResponseById("1");
  assert.equal(tools.status, 200);
  assert.deepEqual((await tools.json()).value.map((p) => p.kind), ["tool", "tool"]);
  for (const [id, status, code] of [["2", 404, "ResourceNotFound"], ["3", 403, "Authorization_RequestDenied"]]) {
    const answer = answers.getResponseById(id);
    assert.equal(answer.status, status);
    assert.equal((await answer.json()).error.code, code);
  }
});

test("a batch in which one depends on another", async () => {
  const answers = await batch(client, { id: "a", request: new Request(base + profiles + "/nope") }, { id: "b", request: new Request(base + profiles), dependsOn: ["a"] });
  assert.deepEqual(["a", "b"].map((id) => answers.getResponseById(id).status), [404, 424]);
});

test("answers are compressed", async () => {
  const raw = await client.api(profiles).top(50).responseType(ResponseType.RAW).get();
  assert.equal(raw.headers.get("content-encoding"), "gzip");
  assert.equal((await raw.json()).value.length, 50);
});

test("a host that the client does not know gets no token, and says so", async () => {
  const e = await refused(graph(reader, { customHosts: new Set(["intel.example"]) }).api(profiles).get(),
    401, "InvalidAuthenticationToken", /^Access token is empty\. Clients send a token only to hosts that they are told to trust/);
  assert.equal(e.headers.get("www-authenticate"), 'Bearer realm="dossier"');
  assert.equal(sentHeader(sent.at(-1), "authorization"), undefined);
});

test("a token that is not ours", async () => {
  const { accessToken } = await msal(reader).acquireTokenByClientCredential({ scopes });
  const [header, claims, signature] = accessToken.split(".");
  const admin = { ...JSON.parse(Buffer.from(claims, "base64url")), roles: ["Dossier.Administration.All"] };
  const forged = [header, Buffer.from(JSON.stringify(admin)).toString("base64url"), signature].join(".");
  for (const [token, message] of [[forged, /its signature is wrong/], ["undefined", /it is not a JWT/]]) {
    const e = await refused(withToken(token).api(profiles).get(), 401, "InvalidAuthenticationToken", message);
    assert.match(e.headers.get("www-authenticate"), /error="invalid_token"/);
  }
});

test("a client that may hunt but not read", async () => {
  const hunter = graph(addClient("hunter", "--scope", "Dossier.Hunt.All"));
  for (const path of [profiles, profiles + "/nope"]) {
    await refused(hunter.api(path).get(), 403, "Authorization_RequestDenied", /^Insufficient privileges to complete the operation\.$/);
  }
  await refused(batch(hunter, { id: "1", request: new Request(base + profiles) }), 403, "Authorization_RequestDenied", /privileges/);
});

test("a client that is revoked is out at once", async () => {
  const leaver = addClient("leaver");
  const graphClient = graph(leaver);
  assert.equal((await graphClient.api(profiles).top(1).get()).value.length, 1);
  revoke(leaver);
  const e = await refused(graphClient.api(profiles).get(), 401, "InvalidAuthenticationToken", /revoked/);
  assert.match(e.headers.get("www-authenticate"), /error="invalid_token"/);
  await noToken(leaver, "invalid_client", 401, /AADSTS7000222: .*revoked/);
});

test("a client that expires", async () => {
  const guest = addClient("guest", "--expires", "4s");
  const { accessToken } = await msal(guest).acquireTokenByClientCredential({ scopes });
  const graphClient = withToken(accessToken);
  assert.equal((await graphClient.api(profiles).top(1).get()).value.length, 1);
  await sleep(new Date(guest.expires) - Date.now() + 100);
  await refused(graphClient.api(profiles).get(), 401, "InvalidAuthenticationToken", /expired/);
  await noToken(guest, "invalid_client", 401, /AADSTS7000222: .*expired/);
});

test("a client that asks too often waits and gets its answer", async () => {
  const { accessToken } = await msal(addClient("eager", "--rate", "60")).acquireTokenByClientCredential({ scopes });
  const eager = withToken(accessToken);
  const from = sent.length;
  // A quarter of the rate may come at once.
  const answers = await Promise.all(Array.from({ length: 17 }, () => eager.api(profiles).top(1).get()));
  for (const a of answers) assert.equal(a.value.length, 1);
  const again = sent.slice(from).filter((r) => sentHeader(r, "retry-attempt"));
  assert.ok(again.length > 0, "nothing was asked twice");
});

test("writes a profile and its indicators", async () => {
  const editor = graph(addClient("editor", "--scope", "ThreatIntelligence.ReadWrite.All"));
  const title = 'Conformance <Störche> & "co"';
  const made = await editor.api(profiles).responseType(ResponseType.RAW).post({
    "@odata.type": "#microsoft.graph.security.intelligenceProfile", kind: "actor", title, firstActiveDateTime: "2024-05-06T07:08:09Z",
    aliases: ["CS-1"], summary: { content: "A stork.", format: "text" }, description: { content: "## Snapshot", format: "markdown" },
  });
  assert.equal(made.status, 201);
  const { id, ...rest } = await made.json();
  const home = `${profiles}/${id}`;
  assert.equal(made.headers.get("location"), `${base}/v1.0${home}`);
  assert.equal(rest.title, title);
  const tag = made.headers.get("etag");
  assert.match(tag, /^W\/"/);
  assert.equal(sentHeader(sent.at(-1), "content-encoding"), undefined);

  const changed = await editor.api(home).header("If-Match", tag).patch({ aliases: ["CS-2", "CS-3"], summary: { content: "Other words." }, tradecraft: null });
  assert.deepEqual(changed.aliases, ["CS-2", "CS-3"]);
  assert.deepEqual([changed.summary.content, changed.summary.format, changed.title], ["Other words.", "text", title]);
  assert.deepEqual(await editor.api(home).get(), changed);
  await refused(editor.api(home).header("If-Match", tag).patch({ title: "Never" }), 412, "resourceModified", /If-Match/);
  await refused(editor.api(home).header("If-Match", tag).delete(), 412, "resourceModified", /If-Match/);
  assert.equal(await editor.api(home).headers({ "If-Match": "*", Prefer: "return=minimal" }).patch({ kind: "tool" }), undefined);
  assert.equal((await editor.api(home).select("kind").get()).kind, "tool");

  const artifact = { "@odata.type": "#microsoft.graph.security.hostname", id: "ts.conformance-writes.com" };
  const seen = { source: "osint", firstSeenDateTime: "2024-05-06T07:08:09Z" };
  const one = await editor.api(home + "/indicators").post({ ...seen, artifact });
  assert.deepEqual(one.artifact, artifact);
  const other = await editor.api("/security/threatIntelligence/intelligenceProfileIndicators")
    .post({ ...seen, artifact: { "@odata.type": "#microsoft.graph.security.unclassifiedArtifact", kind: "md5", value: "0F".repeat(16) } });
  assert.equal(other.artifact.value, "0f".repeat(16));
  assert.equal(await editor.api(home + "/indicators/$ref").post({ "@odata.id": `${base}/v1.0/security/threatIntelligence/intelligenceProfileIndicators/${other.id}` }), undefined);
  assert.equal((await editor.api(home + "/indicators").get()).value.length, 2);
  await editor.api(`${home}/indicators/${other.id}/$ref`).delete();
  assert.deepEqual((await editor.api(home + "/indicators").select("id").get()).value.map((i) => i.id), [one.id]);

  const bad = await refused(editor.api(home).patch({ kind: "backdoor" }), 400, "BadRequest", /is not a member of/);
  assert.equal(JSON.parse(bad.body).target, "kind");
  await refused(client.api(home).patch({ title: "x" }), 403, "Authorization_RequestDenied", /privileges/);
  for (const path of [home, ...[one, other].map((i) => "/security/threatIntelligence/intelligenceProfileIndicators/" + i.id)]) {
    await editor.api(path).delete();
    await refused(editor.api(path).get(), 404, "ResourceNotFound", /not found/);
    await refused(editor.api(path).delete(), 404, "ResourceNotFound", /not found/);
  }
});

test("a batch of writes, each after what it needs", async () => {
  const editor = graph(addClient("batch-editor", "--scope", "ThreatIntelligence.ReadWrite.All"));
  const id = "b5".repeat(32);
  const write = (path, method, body) => new Request(base + profiles + path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const text = (content) => ({ content, format: "markdown" });
  const answers = await batch(editor,
    { id: "1", request: write("", "POST", { id, kind: "actor", title: "Batch", firstActiveDateTime: "2024-05-06T07:08:09Z", summary: text("a"), description: text("b") }) },
    { id: "2", request: write("/" + id, "PATCH", { title: "Batch, changed" }), dependsOn: ["1"] },
    { id: "3", request: new Request(`${base}${profiles}/${id}`), dependsOn: ["2"] },
    { id: "4", request: new Request(`${base}${profiles}/${id}`, { method: "DELETE" }), dependsOn: ["3"] });
  assert.deepEqual(["1", "2", "3", "4"].map((i) => answers.getResponseById(i).status), [201, 200, 200, 204]);
  assert.equal((await answers.getResponseById("3").json()).title, "Batch, changed");
});

test("nobody but the server was asked", () => {
  assert.ok(sent.length > 0);
  assert.deepEqual([...new Set(sent.map((r) => r.origin))], [base]);
});
