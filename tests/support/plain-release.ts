/**
 * The sample release without Outrigger's own services: for clusters that a test makes besides the sample, so that each of their nodes costs two processes
 * instead of six.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { JsonObject } from '../../src/model/json.ts';
import { packageFile } from '../../src/platform/program.ts';

export const PLAIN_RELEASE = '1.0.0-plain';

interface Release extends JsonObject {
  readonly spec: JsonObject & { readonly services: JsonObject[] };
}

export function plainRelease(name = PLAIN_RELEASE): JsonObject {
  const sample = parse(readFileSync(packageFile('examples/release-1.0.0.yaml'), 'utf8')) as Release;
  const services = sample.spec.services.filter((service) => service['framework'] === undefined);
  return { ...sample, metadata: { name }, spec: { ...sample.spec, version: name, services } };
}
