/**
 * Canaries of `npm run check`: each tool gets a tree that it must pass and one that it must fail, naming what is wrong.
 *
 * A guard that silently looks at nothing (as dependency-cruiser does beside TypeScript 7) is worse than none; these tests are why we know.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { CHECKS } from '../../tools/check/checks.ts';
import { HEAD, HOME, configuredCanary, runTool } from './canary.ts';

const code = (text: string): string => `${HEAD}${text}\n`;

/** A small tree that holds every law. */
const SOUND = {
  'src/base/assert.ts': code(
    "export function assert(holds: boolean): asserts holds {\n  if (!holds) throw new Error('broken promise');\n}",
  ),
  'src/model/fault.ts': code(
    "import { assert } from '../base/assert.ts';\n\nexport const fault = (text: string): string => {\n  assert(text !== '');\n  return text;\n};",
  ),
  'src/platform/disk.ts': code(
    "import { readFileSync } from 'node:fs';\nimport { fault } from '../model/fault.ts';\n\nexport const read = (path: string): string => fault(readFileSync(path, 'utf8'));",
  ),
  'src/main/outrigger.ts': code("import { read } from '../platform/disk.ts';\n\nprocess.stdout.write(read('x'));"),
};

function runCheck(context: TestContext, name: string, files: Readonly<Record<string, string>>): { code: number | null; output: string } {
  const { folder } = configuredCanary(context, { ...SOUND, ...files });
  return runTool(folder, 'tools/check/run.ts', ['--root', folder, name]);
}

function assertBites(context: TestContext, name: string, files: Readonly<Record<string, string>>, ...says: readonly RegExp[]): void {
  const { code: exit, output } = runCheck(context, name, files);
  assert.equal(exit, 1, `${name} let it pass:\n${output}`);
  for (const what of says) assert.match(output, what);
}

describe('checks', () => {
  for (const { name } of CHECKS.filter((check) => !['dead', 'tidy', 'console'].includes(check.name))) {
    test(`${name} passes a sound tree`, (context) => {
      const { code: exit, output } = runCheck(context, name, {});
      assert.equal(exit, 0, output);
      assert.match(output, new RegExp(`✔ ${name}`));
    });
  }

  test('types bite', (context) => {
    assertBites(context, 'types', { 'src/base/bad.ts': code("export const a: number = 'text';") }, /src\/base\/bad\.ts.*TS2322/);
  });

  test('types refuse what Node cannot strip', (context) => {
    assertBites(context, 'types', { 'src/base/bad.ts': code('export enum A {\n  B,\n}') }, /bad\.ts.*TS1294/);
  });

  test('types of the console pass what is sound and bite on what is not: a browser has no Node', (context) => {
    const config = { 'console/tsconfig.json': readFileSync(join(HOME, 'console', 'tsconfig.json'), 'utf8') };
    const sound = { ...config, 'console/src/main.tsx': code('export const Page = () => <p>{document.title}</p>;') };
    assert.equal(runCheck(context, 'console', sound).code, 0);
    assertBites(
      context,
      'console',
      { ...config, 'console/src/bad.ts': code("export const a = process.env['PATH'];") },
      /console\/src\/bad\.ts.*TS2/,
    );
  });

  test('lint bites, with types', (context) => {
    const bad = 'const wait = async (): Promise<void> => {};\nexport function go(): void {\n  wait();\n}';
    assertBites(context, 'lint', { 'src/agent/bad.ts': code(bad) }, /no-floating-promises/, /src\/agent\/bad\.ts/);
  });

  test('lint bites on four levels of nesting', (context) => {
    const open = ['if (a) {', 'if (b) {', 'if (c) {', 'if (d) {', 'return 1;'].join('\n');
    const bad = `export function go(a: boolean, b: boolean, c: boolean, d: boolean): number {\n${open}\n}}}}\nreturn 0;\n}`;
    assertBites(context, 'lint', { 'src/agent/bad.ts': code(bad) }, /max-depth/);
  });

  test('format bites', (context) => {
    assertBites(context, 'format', { 'src/base/bad.ts': code('export const a   =   "x"') }, /src\/base\/bad\.ts/);
  });

  test('tidy bites', (context) => {
    assertBites(context, 'tidy', { 'src/base/bad.ts': 'export const a = 1;\n' }, /src\/base\/bad\.ts:1 head-comment/);
  });

  test('dead code bites: a file, an export and a package that nobody uses', (context) => {
    const files = {
      'src/base/unused.ts': code('export const a = 1;'),
      'src/platform/disk.ts': `${SOUND['src/platform/disk.ts']}export const extra = 1;\n`,
    };
    assertBites(context, 'dead', files, /Unused files[^]*src\/base\/unused\.ts/, /extra/, /Unused dependencies[^]*commander/);
  });

  test('an unknown check is refused', (context) => {
    const { folder } = configuredCanary(context, SOUND);
    const { code: exit, output } = runTool(folder, 'tools/check/run.ts', ['--root', folder, 'tpyes']);
    assert.equal(exit, 2);
    assert.match(output, /No check is called tpyes/);
  });
});

/** Rule, and the import that breaks it. */
const FLOORS: readonly (readonly [rule: string, from: string, to: string])[] = [
  ['floor-base', 'src/base/up.ts', '../model/fault.ts'],
  ['floor-model', 'src/model/up.ts', '../decide/plan.ts'],
  ['floor-decide', 'src/decide/up.ts', '../ports/clock.ts'],
  ['floor-ports', 'src/ports/up.ts', '../client/api.ts'],
  ['floor-director', 'src/director/store/side.ts', '../../extension/loop.ts'],
  ['floor-extension', 'src/extension/side.ts', '../host/claim.ts'],
  ['floor-host', 'src/host/side.ts', '../agent/run.ts'],
  ['floor-agent', 'src/agent/side.ts', '../host/claim.ts'],
  ['floor-services', 'src/services/side.ts', '../agent/run.ts'],
  ['floor-client', 'src/client/side.ts', '../agent/run.ts'],
  ['floor-cli', 'src/cli/side.ts', '../platform/disk.ts'],
  ['floor-platform', 'src/platform/up.ts', '../client/api.ts'],
  ['main-is-the-roof', 'src/agent/roof.ts', '../main/part.ts'],
  ['src-stands-alone', 'src/agent/out.ts', '../../tools/thing.ts'],
  ['sim-without-world', 'sim/world.ts', '../src/platform/disk.ts'],
  ['examples-stand-alone', 'examples/hello.ts', '../src/base/assert.ts'],
  ['pure-without-packages', 'src/decide/hash.ts', 'node:crypto'],
  ['pure-without-packages', 'src/model/yaml.ts', 'yaml'],
  ['one-door-to-node', 'src/agent/net.ts', 'node:net'],
  ['hashing-door', 'src/agent/hash.ts', 'node:crypto'],
  ['no-development-packages', 'src/agent/ajv.ts', 'ajv'],
  ['declared-packages-only', 'tools/undeclared.ts', 'semver'],
  ['resolvable', 'src/agent/gone.ts', './nowhere.ts'],
  ['console-in-a-browser', 'console/src/part.tsx', '../../src/agent/run.ts'],
  ['console-without-node', 'console/src/disk.ts', 'node:fs'],
];

const TARGETS = ['decide/plan', 'ports/clock', 'client/api', 'extension/loop', 'host/claim', 'agent/run', 'main/part'];

function floorTree(): Record<string, string> {
  const files: Record<string, string> = { 'tools/thing.ts': code('export const thing = 1;') };
  for (const target of TARGETS) files[`src/${target}.ts`] = code("import '../base/assert.ts';");
  for (const [, from, to] of FLOORS) files[from] = code(`import '${to}';`);
  files['src/agent/circle-a.ts'] = code("import './circle-b.ts';");
  files['src/agent/circle-b.ts'] = code("import './circle-a.ts';");
  files['src/agent/alone.ts'] = code('export const alone = 1;');
  files['src/agent/door.ts'] = code("import 'pino';");
  files['src/host/door.ts'] = code("import 'pino';");
  return files;
}

describe('floors', () => {
  test('every rule bites and names the import', (context) => {
    const { code: exit, output } = runCheck(context, 'floors', floorTree());
    assert.equal(exit, 1, output);
    for (const [rule, from] of FLOORS) assert.match(output, new RegExp(`${rule}: ${from} -> `), `${rule} does not bite`);
    assert.match(output, /no-circle: src\/agent\/circle-[ab]\.ts/);
    assert.match(output, /no-orphan: src\/agent\/alone\.ts/);
    assert.match(output, /one-door: pino is imported in src\/agent\/door\.ts, src\/host\/door\.ts/);
  });

  test('I1: a module that was not read is a failure', (context) => {
    const { folder, write } = configuredCanary(context, SOUND);
    write({ '.dependency-cruiser.cjs': "module.exports = { forbidden: [], options: { exclude: { path: '^src/model/' } } };\n" });
    const { code: exit, output } = runTool(folder, 'tools/check/floors.ts', ['--root', folder]);
    assert.equal(exit, 1, output);
    assert.match(output, /unread: src\/model\/fault\.ts/);
  });

  test('I1: reads TypeScript although TypeScript 7 is what dependency-cruiser finds', (context) => {
    const { code: exit, output } = runCheck(context, 'floors', {});
    assert.equal(exit, 0, output);
    assert.match(output, /4 of 4 modules, 4 imports, 0 violations/);
  });
});
