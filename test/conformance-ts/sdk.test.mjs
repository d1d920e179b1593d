// Microsoft's TypeScript Graph SDK against a running Dossier. Its models and
// request adapter are the official ones; the request builders of /security are
// in no published package, so requests are made from their URL templates.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { AnonymousAuthenticationProvider, BaseBearerTokenAuthenticationProvider, HttpMethod, ParseNodeFactoryRegistry, RequestInformation, SerializationWriterFactoryRegistry } from "@microsoft/kiota-abstractions";
import { HeadersInspectionOptions } from "@microsoft/kiota-http-fetchlibrary";
import { JsonParseNodeFactory, JsonSerializationWriterFactory } from "@microsoft/kiota-serialization-json";
import { TextParseNodeFactory } from "@microsoft/kiota-serialization-text";
import { GraphRequestAdapter } from "@microsoft/msgraph-sdk";
import { PageIterator } from "@microsoft/msgraph-sdk-core";
import { createODataErrorFromDiscriminatorValue } from "@microsoft/msgraph-sdk/models/oDataErrors/index.js";
import {
  createIntelligenceProfileCollectionResponseFromDiscriminatorValue as profileList,
  createIntelligenceProfileFromDiscriminatorValue as profile,
  createIntelligenceProfileIndicatorCollectionResponseFromDiscriminatorValue as indicatorList,
  createIntelligenceProfileIndicatorFromDiscriminatorValue as indicator,
  serializeIntelligenceProfile,
  serializeIntelligenceProfileIndicator,
} from "@microsoft/msgraph-sdk/models/security/index.js";

import { dossier, serve } from "./dossier.mjs";

let server, base, adapter;

// connect returns the SDK's adapter for whoever the provider speaks for.
function connect(provider) {
  const parsers = new ParseNodeFactoryRegistry();
  for (const f of [new JsonParseNodeFactory(), new TextParseNodeFactory()]) parsers.contentTypeAssociatedFactories.set(f.getValidContentType(), f);
  const writers = new SerializationWriterFactoryRegistry();
  const json = new JsonSerializationWriterFactory();
  writers.contentTypeAssociatedFactories.set(json.getValidContentType(), json);
  const a = new GraphRequestAdapter(provider, parsers, writers);
  a.baseUrl = base + "/v1.0";
  return a;
}

before(async () => {
  server = await serve();
  base = server.url;
  adapter = connect(new AnonymousAuthenticationProvider());
});

after(() => server?.stop());

const errors = { _4XX: createODataErrorFromDiscriminatorValue, _5XX: createODataErrorFromDiscriminatorValue };
const template = "{+baseurl}/security/threatIntelligence/intelProfiles{?%24count,%24expand,%24filter,%24orderby,%24search,%24select,%24skip,%24top}";

function request(urlTemplate, parameters = {}) {
  const r = new RequestInformation(HttpMethod.GET, urlTemplate, parameters);
  r.headers.add("Accept", "application/json");
  return r;
}

const list = (options = {}) => adapter.send(request(template, Object.fromEntries(Object.entries(options).map(([k, v]) => ["%24" + k, v]))), profileList, errors);

test("lists with options", async () => {
  const page = await list({ top: 3, count: true, filter: "kind eq 'actor'", orderby: ["title desc"], select: ["id", "title", "kind"] });
  assert.equal(page.value.length, 3);
  assert.ok(page.odataCount > 1000);
  assert.ok(page.odataNextLink.startsWith(base + "/v1.0/"));
  for (const p of page.value) {
    assert.equal(p.kind, "actor");
    assert.match(p.id, /^[0-9a-f]{64}$/);
    assert.equal(p.summary, undefined); // it was not selected
  }
  assert.deepEqual(page.value.map((p) => p.title.toUpperCase()), page.value.map((p) => p.title.toUpperCase()).sort().reverse());
});

test("searches a phrase", async () => {
  const page = await list({ search: '"Mint Sandstorm"' });
  assert.ok(page.value.length > 0);
});

test("counts as text", async () => {
  const r = new RequestInformation(HttpMethod.GET, "{+baseurl}/security/threatIntelligence/intelProfiles/$count{?%24filter}", { "%24filter": "kind eq 'tool'" });
  r.headers.add("Accept", "text/plain;q=0.9");
  const tools = await adapter.sendPrimitive(r, "number", errors);
  assert.equal(tools, (await list({ filter: "kind eq 'tool'", count: true, top: 1 })).odataCount);
});

test("the page iterator reaches every profile once", async () => {
  const ids = new Set();
  const first = await list({ top: 300, count: true, orderby: ["title"] });
  const each = (p) => {
    assert.ok(!ids.has(p.id), "a row comes twice");
    assert.ok(p.title && p.summary?.content && p.description?.format === "markdown" && p.firstActiveDateTime instanceof Date);
    ids.add(p.id);
    return ids.size !== 450; // stop once, in the middle of a page
  };
  const pages = new PageIterator(adapter, first, each, profileList, errors);
  await pages.iterate();
  assert.equal(ids.size, 450);
  assert.equal(pages.getPagingState(), "Paused");
  await pages.resume();
  assert.equal(pages.getPagingState(), "Complete");
  assert.equal(ids.size, first.odataCount);
});

test("reads a profile and its indicators", async () => {
  const found = (await list({ search: '"Forest Blizzard"', top: 50 })).value.find((p) => p.title === "APT28");
  const one = await adapter.send(request("{+baseurl}/security/threatIntelligence/intelProfiles/{id}{?%24expand,%24select}", { id: found.id }), profile, errors);
  assert.equal(one.title, "APT28");
  assert.equal(one.countriesOrRegionsOfOrigin[0].code, "RU");
  const page = await adapter.send(
    request("{+baseurl}/security/threatIntelligence/intelProfiles/{id}/indicators{?%24count,%24top}", { id: found.id, "%24count": true, "%24top": 1000 }), indicatorList, errors);
  assert.equal(page.odataCount, page.value.length);
  const kinds = new Set(page.value.map((i) => i.artifact.odataType));
  assert.ok(kinds.has("#microsoft.graph.security.hostname"));
  for (const i of page.value) assert.ok(i.artifact.id && i.source === "osint" && i.firstSeenDateTime instanceof Date);
});

test("errors are parsed", async () => {
  await assert.rejects(
    adapter.send(request("{+baseurl}/security/threatIntelligence/intelProfiles/{id}", { id: "a$b=c==/x y" }), profile, errors),
    (e) => e.responseStatusCode === 404 && e.errorEscaped?.code === "ResourceNotFound" && /^[0-9a-f-]{36}$/.test(e.errorEscaped.innerError?.requestId ?? e.errorEscaped.innerError?.additionalData?.["request-id"]));
  await assert.rejects(list({ filter: "title eq" }), (e) => e.responseStatusCode === 400 && e.errorEscaped?.code === "BadRequest" && /position/.test(e.errorEscaped.message));
});

// editor returns an adapter that sends the token of a client that may write. This
// SDK sends tokens over http, too.
async function editor() {
  const { client, secret } = JSON.parse(dossier("client", "add", "editor", "--db", server.db, "--json", "--scope", "ThreatIntelligence.ReadWrite.All"));
  const form = { grant_type: "client_credentials", client_id: client.id, client_secret: secret, scope: "https://graph.microsoft.com/.default" };
  const answer = await fetch(base + "/contoso.onmicrosoft.com/oauth2/v2.0/token", { method: "POST", body: new URLSearchParams(form) });
  const { access_token: token } = await answer.json();
  return connect(new BaseBearerTokenAuthenticationProvider({ getAuthorizationToken: async () => token }));
}

test("writes a profile and an indicator", async () => {
  const writer = await editor();
  const one = "{+baseurl}/security/threatIntelligence/intelProfiles/{id}";
  // send sends a write and returns the entity, if there is one, and the headers of the answer.
  async function send(method, path, id, body, serialize, parse, headers = {}) {
    const r = new RequestInformation(method, path, { id });
    r.headers.add("Accept", "application/json");
    for (const [name, value] of Object.entries(headers)) r.headers.add(name, value);
    const inspect = new HeadersInspectionOptions({ inspectResponseHeaders: true });
    r.addRequestOptions([inspect]);
    if (body) r.setContentFromParsable(writer, "application/json", body, serialize);
    const entity = parse ? await writer.send(r, parse, errors) : await writer.sendNoResponseContent(r, errors);
    return { entity, header: (name) => [...(inspect.getResponseHeaders().get(name) ?? [])].join() };
  }
  const change = (id, body, headers) => send(HttpMethod.PATCH, one, id, body, serializeIntelligenceProfile, profile, headers);
  const remove = (path, id, headers) => send(HttpMethod.DELETE, path, id, undefined, undefined, undefined, headers);
  const refusedAs = (status, code, target) => (e) => e.responseStatusCode === status && e.errorEscaped?.code === code && (e.errorEscaped.target ?? undefined) === target;

  const made = await send(HttpMethod.POST, template, undefined, {
    kind: "actor", title: "Conformance <Störche> & co", firstActiveDateTime: new Date("2024-05-06T07:08:09Z"), aliases: ["CS-1"],
    countriesOrRegionsOfOrigin: [{ code: "DE", label: "Germany" }],
    summary: { content: "A stork.", format: "text" }, description: { content: "## Snapshot", format: "markdown" },
  }, serializeIntelligenceProfile, profile);
  const { id } = made.entity;
  assert.equal(made.header("location"), `${base}/v1.0/security/threatIntelligence/intelProfiles/${id}`);
  assert.match(made.header("etag"), /^W\/"/);
  assert.equal(made.entity.title, "Conformance <Störche> & co");
  assert.equal(made.entity.firstActiveDateTime.toISOString(), "2024-05-06T07:08:09.000Z");
  assert.equal(made.entity.countriesOrRegionsOfOrigin[0].label, "Germany");

  const changed = await change(id, { aliases: ["CS-2"], summary: { content: "Other words." } }, { "If-Match": made.header("etag") });
  assert.deepEqual([changed.entity.aliases, changed.entity.summary.content, changed.entity.summary.format], [["CS-2"], "Other words.", "text"]);
  assert.notEqual(changed.header("etag"), made.header("etag"));
  await assert.rejects(change(id, { title: "Never" }, { "If-Match": made.header("etag") }), refusedAs(412, "resourceModified"));
  await assert.rejects(remove(one, id, { "If-Match": made.header("etag") }), refusedAs(412, "resourceModified"));
  await assert.rejects(change(id, { title: " " }), refusedAs(400, "BadRequest", "title"));
  assert.equal((await change(id, { kind: "tool" }, { Prefer: "return=minimal", "If-Match": changed.header("etag") })).entity, undefined);
  const now = await adapter.send(request("{+baseurl}/security/threatIntelligence/intelProfiles/{id}", { id }), profile, errors);
  assert.deepEqual([now.kind, now.title, now.aliases], ["tool", "Conformance <Störche> & co", ["CS-2"]]);

  const artifact = { odataType: "#microsoft.graph.security.ipAddress", id: "45.77.99.2" };
  const seen = { source: "osint", firstSeenDateTime: new Date("2024-05-06T07:08:09Z"), artifact };
  const { entity: i } = await send(HttpMethod.POST, one + "/indicators", id, seen, serializeIntelligenceProfileIndicator, indicator);
  assert.deepEqual([i.artifact.id, i.artifact.odataType, i.source], [artifact.id, artifact.odataType, "osint"]);
  const of = await adapter.send(request(one + "/indicators", { id }), indicatorList, errors);
  assert.deepEqual(of.value.map((x) => x.id), [i.id]);
  for (const [path, gone] of [["{+baseurl}/security/threatIntelligence/intelligenceProfileIndicators/{id}", i.id], [one, id]]) {
    await remove(path, gone);
    await assert.rejects(remove(path, gone), refusedAs(404, "ResourceNotFound"));
  }
});
