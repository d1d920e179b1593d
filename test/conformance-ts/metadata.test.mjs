// $metadata read by a CSDL parser of the ecosystem.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { parse } from "@sap-ux/edmx-parser";

import { serve } from "./dossier.mjs";

let server;

before(async () => {
  server = await serve("--no-catalog");
});

after(() => server?.stop());

for (const version of ["v1.0", "beta"]) {
  test(`${version} has the model that is served`, async () => {
    const response = await fetch(`${server.url}/${version}/$metadata`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^application\/xml/);
    const { version: odata, schema } = parse(await response.text());
    assert.equal(odata, "4.0");
    const types = new Map([...schema.entityTypes, ...schema.complexTypes, ...schema.enumTypes].map((t) => [t.fullyQualifiedName, t]));
    const profile = types.get("microsoft.graph.security.intelligenceProfile");
    const nullable = Object.fromEntries(profile.entityProperties.map((p) => [p.name, p.nullable]));
    assert.deepEqual(Object.keys(nullable), ["kind", "title", "firstActiveDateTime", "aliases", "targets", "countriesOrRegionsOfOrigin", "summary", "description", "tradecraft"]);
    assert.equal(nullable.title, false);
    assert.notEqual(nullable.tradecraft, false);
    const indicators = profile.navigationProperties.find((p) => p.name === "indicators");
    assert.ok(indicators, "indicators are a navigation");
    assert.deepEqual(types.get("microsoft.graph.security.intelligenceProfileKind").members.map((m) => m.name), ["actor", "tool", "unknownFutureValue"]);
    // Every type that is referred to is there.
    for (const t of [...schema.entityTypes, ...schema.complexTypes]) {
      for (const p of t.entityProperties ?? t.properties) {
        const type = p.type.replace(/^Collection\((.*)\)$/, "$1");
        assert.ok(type.startsWith("Edm.") || types.has(type), `${p.fullyQualifiedName}: ${type}`);
      }
    }
    assert.deepEqual(schema.singletons.map((s) => s.name), ["security"]);
  });
}
