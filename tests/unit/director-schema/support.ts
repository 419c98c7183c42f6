/**
 * Shorthands for the schema tests: compile or fail loudly, and say problems as the lines that people read.
 */

import assert from 'node:assert/strict';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { compileSchema } from '../../../src/director/schema/compile-schema.ts';
import type { CompiledSchema } from '../../../src/director/schema/compile-schema.ts';
import { problemLine } from '../../../src/director/schema/problem.ts';

/** A root schema whose one field `spec` is `spec`. */
export function rootOf(spec: JsonObject, more: JsonObject = {}): JsonObject {
  return { type: 'object', properties: { spec, ...more } };
}

export function compiled(schema: JsonObject): CompiledSchema {
  const result = compileSchema(schema);
  assert.ok(result.ok, result.ok ? '' : result.problems.map(problemLine).join('\n'));
  return result.compiled;
}

/** The lines of a schema's refusal; empty when it is accepted. */
export function refusals(schema: JsonObject): string[] {
  const result = compileSchema(schema);
  return result.ok ? [] : result.problems.map(problemLine);
}

export function entity(spec: Json, more: JsonObject = {}): JsonObject {
  return { apiVersion: 'example.dev/v1', kind: 'Thing', metadata: { name: 'one' }, spec, ...more };
}

/** The lines that `spec` is refused with by the schema `spec`, on create or as an update of `old`. */
export function lines(schema: JsonObject, spec: Json, old?: Json): string[] {
  const { validate } = compiled(rootOf(schema));
  return validate(entity(spec), old === undefined ? undefined : entity(old)).map(problemLine);
}

/** What JSON.parse makes of `text`: own keys such as `__proto__` included. */
export function parsed(text: string): JsonObject {
  return JSON.parse(text) as JsonObject;
}
