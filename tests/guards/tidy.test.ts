/**
 * Canaries of the own laws: every law of tools/tidy is broken once, and must name the file and itself.
 *
 * Forbidden words are put together from pieces here, because this file is judged as well.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LAWS, tidy } from '../../tools/tidy/main.ts';
import { HEAD, HOME, canary, runTool } from './canary.ts';

interface Case {
  readonly law: string;
  readonly path: string;
  readonly breaks: string;
  /** Looks alike and must pass. */
  readonly keeps: string;
  /** Other files that both need. */
  readonly beside?: Readonly<Record<string, string>>;
  /** Where the lawful form stands, when the path is what is judged. */
  readonly keepsPath?: string;
}

const lines = (count: number, line = 'void 0;\n'): string => line.repeat(count);
const code = (text: string): string => `${HEAD}${text}\n`;
const DEEP = 'src/decide/thing.ts';

const CASES: readonly Case[] = [
  { law: 'head-comment', path: 'src/base/a.ts', breaks: 'export const a = 1;\n', keeps: code('export const a = 1;') },
  {
    law: 'head-comment',
    path: 'tools/a.mjs',
    breaks: '#!/usr/bin/env node\n// oxlint-disable no-console\n',
    keeps: `#!/usr/bin/env node\n${HEAD}`,
  },
  { law: 'default-export', path: 'src/base/a.ts', breaks: code('export default 1;'), keeps: code('export const a = { default: 1 };') },
  {
    law: 'default-export',
    path: 'src/base/a.ts',
    breaks: code('const a = 1;\nexport { a as default };'),
    keeps: code('const a = 1;\nexport { a };'),
  },
  {
    law: 'barrel',
    path: 'src/base/a.ts',
    breaks: code("export * from './b.ts';"),
    keeps: code("export { b } from './b.ts';\nexport const a = 1;"),
  },
  {
    law: 'barrel',
    path: 'src/base/a.ts',
    breaks: code("export { b } from './b.ts';"),
    keeps: code("import { b } from './b.ts';\nexport const a = b;"),
  },
  {
    law: 'barrel',
    path: 'src/base/index.ts',
    keepsPath: 'src/base/indexes.ts',
    breaks: code('export const a = 1;'),
    keeps: code('export const a = 1;'),
  },
  {
    law: 'no-utils',
    path: 'src/base/string-x/utils.ts',
    keepsPath: 'src/base/utilization.ts',
    breaks: code('export const a = 1;'),
    keeps: code(''),
  },
  {
    law: 'no-skipped-tests',
    path: 'tests/unit/a.test.ts',
    breaks: code(`test.${'only'}('x', () => {});`),
    keeps: code("test('only x', () => {});"),
  },
  { law: 'file-length', path: 'src/base/a.ts', breaks: code(lines(400)), keeps: code(lines(398)) },
  {
    law: 'function-length',
    path: 'src/base/a.ts',
    breaks: code(`export const a = (): void => {\n${lines(59)}};`),
    keeps: code(`export const a = (): void => {\n${lines(58)}};`),
  },
  {
    law: 'function-length',
    path: 'tests/unit/a.test.ts',
    breaks: code(`function play(): void {\n${lines(60)}}`),
    keeps: code(`describe('x', () => {\n${lines(60)}});`),
  },
  {
    law: 'folder-depth',
    path: 'src/a/b/c/d.ts',
    keepsPath: 'src/a/b/c.ts',
    breaks: code('export const a = 1;'),
    keeps: code('export const a = 1;'),
  },
  ...(
    [
      'Date.now()',
      'Math.random()',
      'new Date()',
      'performance.now()',
      'process.pid',
      'setTimeout(() => 1, 1)',
      'Promise.resolve()',
    ] as const
  ).map((use) => ({ law: 'purity', path: DEEP, breaks: code(`export const a = ${use};`), keeps: code('export const a = new Date(0);') })),
  { law: 'purity', path: DEEP, breaks: code('export async function a() {}'), keeps: code('export const a = { async: 1, await: 2 };') },
  {
    law: 'purity',
    path: DEEP,
    breaks: code('export type A = Promise<void>;'),
    keeps: code('export type A = (process: number) => number;'),
  },
  {
    law: 'environment-door',
    path: 'src/agent/a.ts',
    keepsPath: 'src/main/a.ts',
    breaks: code('process.env;'),
    keeps: code('process.env;'),
  },
  {
    law: 'five-words',
    path: DEEP,
    breaks: code('export const a = { term: b.era };'),
    keeps: code('export const a = { term: b.nextTerm };'),
  },
  {
    law: 'five-words',
    path: DEEP,
    breaks: code('export const a = seenRevision < b.generation;'),
    keeps: code('export const a = seenRevision < b.resourceVersion;'),
  },
  {
    law: 'five-words',
    path: DEEP,
    breaks: code('const incarnation = Number(pod.generation);'),
    keeps: code('const observedGeneration = Number(pod.generation);'),
  },
  { law: 'five-words', path: DEEP, breaks: code(`export const primary${'Epoch'} = 1;`), keeps: code('export const primaryTerm = 1;') },
  { law: 'us-spelling', path: 'docs/a.md', breaks: `the behavi${'our'} of it\n`, keeps: 'the behavior of it\n' },
  { law: 'us-spelling', path: 'src/base/a.ts', breaks: code(`const initiali${'se'}Store = 1;`), keeps: code('const promiseStore = 1;') },
  { law: 'us-spelling', path: 'src/base/a.ts', breaks: code(`const licen${'ce'}Days = 25;`), keeps: code('const licenseDays = 25;') },
  { law: 'machine-path', path: 'docs/a.md', breaks: `see /${'work'}/main for it\n`, keeps: 'see tools/work/main for it\n' },
  {
    law: 'machine-path',
    path: 'tools/a.ts',
    breaks: code(`const a = '/${'home'}/someone/x';`),
    keeps: code("const a = '/var/lib/outrigger/x';"),
  },
  { law: 'registry-host', path: '.npmrc', breaks: `registry=https://registry.npm${'js.org'}/\n`, keeps: 'fund=false\n' },
  {
    law: 'lock-file',
    path: 'package-lock.json',
    breaks: '{"packages":{"a":{"resolved":"https://x/a.tgz"}}}',
    keeps: '{"packages":{"a":{"integrity":"x"}}}',
  },
  {
    law: 'lock-file',
    path: 'package-lock.json',
    breaks: '{"packages":{"node_modules/a":{"optionalDependencies":{"b":"1.0.0"}}}}',
    keeps: '{"packages":{"node_modules/a":{"optionalDependencies":{"b":"1.0.0"}},"node_modules/b":{"version":"1.0.0"}}}',
  },
  {
    law: 'environment-names',
    path: 'docs/a.md',
    beside: { 'src/model/settings.ts': code("export const SETTINGS = {\n  leaseTtlMs: { type: 'count' },\n};") },
    breaks: `set OUTRIGGER_${'LEASE_TTL'}\n`,
    keeps: 'set OUTRIGGER_LEASE_TTL_MS\n',
  },
  {
    law: 'invariants',
    path: DEEP,
    beside: { 'tests/unit/thing.test.ts': code("import '../../src/decide/thing.ts';\ntest('I1: holds', () => {});") },
    breaks: '/** A file of a canary.\n * I1: holds.\n * I2: is proved by nobody.\n */\n',
    keeps: '/** A file of a canary.\n * I1: holds.\n */\n',
  },
  {
    law: 'invariants',
    path: DEEP,
    beside: { 'tests/unit/other.test.ts': code("import '../../src/decide/other.ts';\ntest('I1: of another file', () => {});") },
    breaks: '/** A file of a canary.\n * I1: holds.\n */\n',
    keeps: HEAD,
  },
];

describe('own laws', () => {
  for (const { law, path, breaks, keeps, beside, keepsPath } of CASES) {
    test(`${law} bites on ${JSON.stringify(breaks.slice(-60))} in ${path}`, (context) => {
      const broken = canary(context, { ...beside, [path]: breaks });
      const found = tidy(broken.folder).findings.filter((finding) => finding.law === law);
      assert.deepEqual([...new Set(found.map((finding) => finding.path))], [path]);
      const kept = canary(context, { ...beside, [keepsPath ?? path]: keeps });
      assert.deepEqual(
        tidy(kept.folder).findings.filter((finding) => finding.law === law),
        [],
      );
    });
  }

  test('every law has a canary', () => {
    const covered = new Set(CASES.map(({ law }) => law));
    assert.deepEqual(
      LAWS.map(({ name }) => name).filter((name) => !covered.has(name)),
      [],
    );
  });

  test('the command fails, and says file, line and law', (context) => {
    const { folder } = canary(context, { 'src/base/a.ts': code('const a = 1;\nexport default a;') });
    const { code: exit, output } = runTool(folder, 'tools/tidy/main.ts', ['--root', folder]);
    assert.equal(exit, 1, output);
    assert.match(output, /^src\/base\/a\.ts:3 default-export: /m);
  });

  test('sees what git lists here: no file of this repository is passed over', () => {
    assert.ok(tidy(HOME).files > 50);
  });
});
