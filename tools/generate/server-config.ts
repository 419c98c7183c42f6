/**
 * Writes docs/reference/server-config.md from the schema of ServerConfig (src/model/server-config.ts).
 *
 * `node tools/generate/server-config.ts` writes; a unit test fails when what is there differs from what would be written.
 */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Schema } from '../../src/model/schema.ts';
import { serverConfigKind } from '../../src/model/server-config.ts';

export const SERVER_CONFIG_PAGE = resolve(import.meta.dirname, '../../docs/reference/server-config.md');

export interface FieldRow {
  /** As in `spec.<path>`. */
  readonly path: string;
  readonly schema: Schema;
}

/** Every field of the spec that has a value of its own. */
export function serverConfigFields(): readonly FieldRow[] {
  return fieldsOf('', serverConfigKind.spec);
}

function fieldsOf(prefix: string, schema: Schema): readonly FieldRow[] {
  if (schema.type !== 'object') return [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, one]): readonly FieldRow[] =>
    one.type === 'object' ? fieldsOf(`${prefix}${name}.`, one) : [{ path: `${prefix}${name}`, schema: one }],
  );
}

export function serverConfigPage(): string {
  const rows = serverConfigFields().map(
    ({ path, schema }) => `| \`${path}\` | ${allowed(schema)} | ${defaultOf(schema)} | ${schema.description ?? ''} |`,
  );
  const rules = serverConfigKind.spec['x-kubernetes-validations'].map(
    ({ fieldPath, message }) => `* \`${fieldPath.slice(1)}\` ${message}.`,
  );
  return `# ServerConfig

This page is made from the schema in \`src/model/server-config.ts\`. A ServerConfig says what the extension servers obey; without one the defaults hold.

\`\`\`yaml
apiVersion: outrigger.dev/v1
kind: ServerConfig
metadata: { name: default }
spec:
  maxAttempts: 3
  stepDeadlineSeconds: 900
\`\`\`

A change applies without restart, with the next look at each cluster and the next renewal of each Lease.
Of several active ones the one whose name sorts first holds, whole; nothing is mixed. \`outrigger doctor\` names them when there are several.

Each server says in the annotation \`outrigger.dev/obeys\` of its Lease in \`outrigger-system\` what it obeys: \`NAME@GENERATION\`, or \`defaults\`. The doctor finds a server that obeys something else than what holds.

\`\`\`
kubectl -n outrigger-system get leases -o custom-columns='SERVER:.spec.holderIdentity,OBEYS:.metadata.annotations.outrigger\\.dev/obeys'
\`\`\`

## Fields of spec

| field | values | default | what it does |
| --- | --- | --- | --- |
${rows.join('\n')}

## Relations

They are CEL rules of the CustomResourceDefinition, so a plain Kubernetes API refuses the same with the same sentence.

${rules.join('\n')}
`;
}

function allowed(schema: Schema): string {
  if (schema.type === 'boolean') return 'true, false';
  if (schema.type === 'array') return `list, at most ${schema.maxItems}`;
  if (schema.type === 'string') return (schema.enum ?? ['text']).join(', ');
  if (schema.type === 'object') return '';
  return `${schema.minimum} to ${schema.maximum}`;
}

function defaultOf(schema: Schema): string {
  if (schema.type === 'object' || schema.default === undefined) return '';
  return Array.isArray(schema.default) ? schema.default.join(', ') : String(schema.default);
}

if (import.meta.main) {
  writeFileSync(SERVER_CONFIG_PAGE, serverConfigPage());
  process.stdout.write(`Wrote ${SERVER_CONFIG_PAGE}.\n`);
}
