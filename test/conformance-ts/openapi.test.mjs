// The server's own description against the schema of OpenAPI that the OpenAPI
// Initiative publishes.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { Validator } from "@seriousme/openapi-schema-validator";

import { serve } from "./dossier.mjs";

let server;

before(async () => {
  server = await serve("--no-catalog");
});

after(() => server?.stop());

test("describes itself as OpenAPI 3.1", async () => {
  const response = await fetch(server.url + "/openapi.json");
  assert.equal(response.status, 200);
  const document = await response.json();
  const validator = new Validator();
  const result = await validator.validate(document);
  assert.deepEqual(result.errors ?? [], []);
  assert.ok(result.valid);
  assert.equal(validator.version, "3.1");
  delete document.info;
  assert.ok(!(await new Validator().validate(document)).valid, "a document without info is no valid one");
});
