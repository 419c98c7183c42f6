/**
 * Writes deploy/crds/*.yaml, the CustomResourceDefinitions of all kinds, from src/model. For Kubernetes API servers; a director brings its own.
 *
 * `node tools/generate/crds.ts` writes; a unit test fails when what is there differs from what would be written.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { stringify } from 'yaml';

import { crdOf } from '../../src/model/crd.ts';
import { KINDS } from '../../src/model/kinds.ts';

export const CRD_FOLDER = resolve(import.meta.dirname, '../../deploy/crds');

/** File name → text. */
export function crdFiles(): ReadonlyMap<string, string> {
  const head = '# Made by tools/generate/crds.ts from src/model; do not edit.\n';
  return new Map(
    KINDS.map((kind) => [`${kind.plural}.yaml`, head + stringify(crdOf(kind), { lineWidth: 0, aliasDuplicateObjects: false })]),
  );
}

if (import.meta.main) {
  mkdirSync(CRD_FOLDER, { recursive: true });
  for (const [name, text] of crdFiles()) writeFileSync(join(CRD_FOLDER, name), text);
  process.stdout.write(`Wrote ${KINDS.length} files to ${CRD_FOLDER}.\n`);
}
