// Microsoft's TypeScript Graph SDK against a running Dossier. Its models and
// request adapter are the official ones; the request builders of /security are
// in no published package, so requests are made from their URL templates.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { AnonymousAuthenticationProvider, HttpMethod, ParseNodeFactoryRegistry, RequestInformation, SerializationWriterFactoryRegistry } from "@microsoft/kiota-abstractions";
import { JsonParseNodeFactory } from "@microsoft/kiota-serialization-json";
import { TextParseNodeFactory } from "@microsoft/kiota-serialization-text";
import { GraphRequestAdapter } from "@microsoft/msgraph-sdk";
import { PageIterator } from "@microsoft/msgraph-sdk-core";
import { createODataErrorFromDiscriminatorValue } from "@microsoft/msgraph-sdk/models/oDataErrors/index.js";
import {
  createIntelligenceProfileCollectionResponseFromDiscriminatorValue as profileList,
  createIntelligenceProfileFromDiscriminatorValue as profile,
  createIntelligenceProfileIndicatorCollectionResponseFromDiscriminatorValue as indicatorList,
} from "@microsoft/msgraph-sdk/models/security/index.js";

import { serve } from "./dossier.mjs";

let server, base, adapter;

before(async () => {
  server = await serve();
  base = server.url;
  const parsers = new ParseNodeFactoryRegistry();
  for (const f of [new JsonParseNodeFactory(), new TextParseNodeFactory()]) parsers.contentTypeAssociatedFactories.set(f.getValidContentType(), f);
  adapter = new GraphRequestAdapter(new AnonymousAuthenticationProvider(), parsers, new SerializationWriterFactoryRegistry());
  adapter.baseUrl = base + "/v1.0";
});

after(() => server?.stop());

const errors = { XXX: createODataErrorFromDiscriminatorValue };
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
