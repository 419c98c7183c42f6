/**
 * The test runner must not be fooled: each way in which a run can look green without being so ends red.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { HOME, configuredCanary, runTool } from './canary.ts';
import type { Outcome } from './canary.ts';
import { LAYERS, testFiles } from '../../tools/test/layers.ts';

const GOOD = "import { test } from 'node:test';\ntest('fine', () => {});\n";

/** Runs a copy of the runner over these test files. */
function run(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Outcome {
  const { folder } = configuredCanary(context, files);
  for (const part of ['check', 'test', 'tidy', 'lock']) cpSync(join(HOME, 'tools', part), join(folder, 'tools', part), { recursive: true });
  mkdirSync(join(folder, 'tests'), { recursive: true });
  return runTool(folder, join(folder, 'tools/test/run.ts'), args, { CI: 'false', ...env });
}

/** A process that nobody has waited for yet is not running any more either. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const last = (output: string): string => output.trimEnd().split('\n').at(-1) ?? '';

describe('test runner', () => {
  test('what runs alone is there: a file of another name would run beside others', () => {
    for (const layer of LAYERS) {
      const names = new Set((testFiles(HOME, layer) ?? []).map((file) => basename(file, '.test.ts')));
      const strange = layer.alone.filter((name) => !names.has(name));
      assert.deepEqual(strange, [], `${layer.name} has no such file`);
    }
  });

  test('I3: counts tests, and closes with the plain line', (context) => {
    const { code, output } = run(context, { 'tests/unit/a.test.ts': GOOD, 'tests/contract/deep/b.test.ts': GOOD }, ['unit', 'contract']);
    assert.equal(code, 0, output);
    assert.equal(last(output), '2 passed, 0 failed');
  });

  test('a failing test fails it, with its path, place and error', (context) => {
    const bad =
      "import { suite, test } from 'node:test';\nsuite('outer', () => {\n  test('inner', () => { throw new Error('boom'); });\n});\n";
    const { code, output } = run(context, { 'tests/unit/a.test.ts': bad, 'tests/unit/b.test.ts': GOOD }, ['unit']);
    assert.equal(code, 1);
    assert.match(output, /✖ outer > inner \(tests\/unit\/a\.test\.ts:3\)[^]*Error: boom/);
    assert.equal(last(output), '1 passed, 1 failed');
  });

  for (const [what, text, says] of [
    ['that holds no test', 'console.log(1);\n', /holds no test/],
    ['that cannot be loaded', "import './nowhere.ts';\n", /ERR_MODULE_NOT_FOUND[^]*ended with code 1/],
    [
      'whose process ends badly after its tests passed',
      `${GOOD}process.on('exit', () => process.kill(process.pid, 'SIGKILL'));\n`,
      /ended by SIGKILL/,
    ],
  ] as const) {
    test(`I1: a file ${what} fails it`, (context) => {
      const { code, output } = run(context, { 'tests/unit/a.test.ts': text }, ['unit']);
      assert.equal(code, 1, output);
      assert.match(output, says);
    });
  }

  test('I1: a layer whose folder holds no test fails it', (context) => {
    const { code, output } = run(context, { 'tests/unit/a.test.ts': GOOD, 'tests/sim/readme.txt': 'x' }, ['unit', 'sim']);
    assert.equal(code, 1);
    assert.match(output, /tests\/sim holds no \*\.test\.ts/);
    assert.equal(last(output), '1 passed, 1 failed');
  });

  test('I1: nothing that matches fails it', (context) => {
    const { code, output } = run(context, { 'tests/unit/a.test.ts': GOOD }, ['tests/unit/z.test.ts']);
    assert.equal(code, 1);
    assert.match(output, /No test ran/);
  });

  test('I1: a process that a test left behind fails it, is named and killed', (context) => {
    const leaves = `import { test } from 'node:test';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
test('leaves a process', () => {
  const env = { ...process.env, OUTRIGGER_DATA: tmpdir() + '/data' };
  const child = spawn('sleep', ['61.7'], { detached: true, stdio: 'ignore', env });
  child.unref();
  console.log('pid=' + child.pid);
});\n`;
    const { code, output } = run(context, { 'tests/integration/a.test.ts': leaves }, ['integration']);
    assert.equal(code, 1, output);
    assert.match(output, /left behind by a test, killed now: process \d+: sleep 61\.7/);
    const pid = Number(/pid=(\d+)/.exec(output)?.[1]);
    assert.ok(pid > 1 && !isRunning(pid));
    assert.equal(last(output), '1 passed, 1 failed');
  });

  test('I4: a failure is said again before the table, where the end of the record shows it', (context) => {
    const bad = "import { test } from 'node:test';\ntest('sad', () => { throw new Error('boom'); });\n";
    const { output } = run(context, { 'tests/unit/a.test.ts': bad, 'tests/unit/b.test.ts': GOOD }, ['unit']);
    assert.match(output, /\nfailed\n {4}✖ sad \(tests\/unit\/a\.test\.ts:2\)\n[^]*boom[^]*\nlayer +passed/);
  });

  const failsOnce = (name: string): string => `import { test } from 'node:test';
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
test('${name}', () => {
  const mark = tmpdir() + '/${name}';
  const isFirst = !existsSync(mark);
  writeFileSync(mark, '');
  if (isFirst) throw new Error('the first time');
});\n`;

  test('I4: in continuous integration a file with processes runs again; what passes then is told as shaky, with its error', (context) => {
    const files = { 'tests/integration/a.test.ts': failsOnce('a'), 'tests/integration/b.test.ts': GOOD };
    const { code, output } = run(context, files, ['integration'], { CI: 'true' });
    assert.equal(code, 0, output);
    assert.match(output, /\nshaky: [^\n]*\n {4}✖ a \(tests\/integration\/a\.test\.ts:4\)[^]*the first time/);
    assert.equal(last(output), '2 passed, 0 failed');
    const { code: atHome } = run(context, files, ['integration']);
    assert.equal(atHome, 1, 'outside of it the first failure counts');
  });

  test('I4: what is broken fails twice; without processes, and where many fail, nothing runs again', (context) => {
    const bad = "import { test } from 'node:test';\ntest('sad', () => { throw new Error('boom'); });\n";
    const broken = run(context, { 'tests/integration/a.test.ts': bad }, ['integration'], { CI: 'true' });
    assert.match(broken.output, /a\.test\.ts runs again/);
    assert.equal(last(broken.output), '0 passed, 1 failed');
    const pure = run(context, { 'tests/unit/a.test.ts': failsOnce('pure') }, ['unit'], { CI: 'true' });
    assert.equal(last(pure.output), '0 passed, 1 failed');
    const names = ['c', 'd', 'e', 'f'];
    const many = run(
      context,
      Object.fromEntries(names.map((name) => [`tests/integration/${name}.test.ts`, failsOnce(name)])),
      ['integration'],
      {
        CI: 'true',
      },
    );
    assert.doesNotMatch(many.output, /runs again/);
    assert.equal(last(many.output), '0 passed, 4 failed');
  });

  test('I2: in continuous integration nothing is left out or skipped', (context) => {
    const skips = "import { test } from 'node:test';\ntest('later', (t) => t.skip());\ntest('fine', () => {});\n";
    const files = { 'tests/unit/a.test.ts': skips };
    const relaxed = run(context, files, ['unit']);
    assert.equal(relaxed.code, 0, relaxed.output);
    assert.equal(last(relaxed.output), '1 passed, 0 failed, 1 skipped');
    const strict = run(context, files, [], { CI: 'true' });
    assert.equal(strict.code, 1);
    assert.match(strict.output, /left out: guards \(there is no tests\/guards\)/);
    if (process.getuid?.() === 0) assert.match(strict.output, /every layer and every test must run/);
  });

  test('tests can be picked by a part of their path and by their name', (context) => {
    const two = `${GOOD}test('other', () => { throw new Error('not asked for'); });\n`;
    const files = { 'tests/unit/a.test.ts': two, 'tests/unit/b.test.ts': 'throw new Error();' };
    const { code, output } = run(context, files, ['unit/a', '--name=fine']);
    assert.equal(code, 0, output);
    assert.equal(last(output), '1 passed, 0 failed');
  });
});
