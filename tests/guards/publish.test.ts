/**
 * What is published: dist holds all of src, compiled; the command finds it where src is not; the commit hook judges what is staged.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { HEAD, HOME, configuredCanary, runTool } from './canary.ts';
import type { Canary, Outcome } from './canary.ts';

const SOURCE = {
  'src/base/word.ts': `${HEAD}export type Word = string;\n\nexport const word: Word = 'from';\n`,
  'src/base/shim.sh': 'exit 0\n',
  'src/main/outrigger.ts': `${HEAD}import { word } from '../base/word.ts';\n\nconsole.log(word, import.meta.filename.split('/').slice(-3).join('/'), process.argv.slice(2).join(' '));\n`,
};

function outrigger(folder: string, node = process.execPath): Outcome {
  const { status, stdout, stderr } = spawnSync(node, [join(folder, 'bin', 'outrigger.mjs'), 'up', '--x'], { encoding: 'utf8' });
  return { code: status, output: (stdout + stderr).trim() };
}

function buildable(context: TestContext): Canary {
  const made = configuredCanary(context, SOURCE);
  cpSync(join(HOME, 'bin'), join(made.folder, 'bin'), { recursive: true });
  return made;
}

describe('build', () => {
  test('I1: compiles what src holds, and takes along what is not TypeScript', (context) => {
    const { folder, write } = buildable(context);
    write({ 'dist/old.js': 'left over' });
    const { code, output } = runTool(folder, 'tools/build/run.ts', ['--root', folder]);
    assert.equal(code, 0, output);
    assert.match(readFileSync(join(folder, 'dist/main/outrigger.js'), 'utf8'), /from '\.\.\/base\/word\.js'/);
    assert.ok(existsSync(join(folder, 'dist/base/shim.sh')));
    assert.ok(existsSync(join(folder, 'dist/base/word.d.ts')));
    assert.equal(existsSync(join(folder, 'dist/old.js')), false);
  });

  test('I1: what does not compile leaves the old dist in place', (context) => {
    const { folder, write } = buildable(context);
    write({ 'dist/old.js': 'still here', 'src/base/bad.ts': `${HEAD}export const bad: number = 'text';\n` });
    const { code, output } = runTool(folder, 'tools/build/run.ts', ['--root', folder]);
    assert.equal(code, 1, output);
    assert.ok(existsSync(join(folder, 'dist/old.js')));
  });

  test('the command runs src in a checkout, dist where src is not, and says so where neither is', (context) => {
    const { folder } = buildable(context);
    assert.deepEqual(outrigger(folder), { code: 0, output: 'from src/main/outrigger.ts up --x' });
    runTool(folder, 'tools/build/run.ts', ['--root', folder]);
    assert.equal(outrigger(folder).output, 'from src/main/outrigger.ts up --x');
    rmSync(join(folder, 'src'), { recursive: true });
    assert.deepEqual(outrigger(folder), { code: 0, output: 'from dist/main/outrigger.js up --x' });
    rmSync(join(folder, 'dist'), { recursive: true });
    assert.equal(outrigger(folder).code, 1);
    assert.match(outrigger(folder).output, /neither src\/ nor dist\/ is here/);
  });

  test('the command runs dist below node_modules, where Node strips no types', (context) => {
    const { folder } = buildable(context);
    runTool(folder, 'tools/build/run.ts', ['--root', folder]);
    const installed = join(folder, 'app', 'node_modules', 'outrigger');
    for (const part of ['bin', 'dist', 'src', 'package.json']) cpSync(join(folder, part), join(installed, part), { recursive: true });
    assert.equal(outrigger(installed).output, 'from dist/main/outrigger.js up --x');
  });

  test("the command takes the pinned Node, whatever the machine's own is", (context) => {
    const old = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => existsSync(path));
    const { folder } = buildable(context);
    assert.equal(outrigger(folder, old).output, 'from src/main/outrigger.ts up --x');
  });
});

/** A repository with the hook, nothing committed yet. */
function hooked(context: TestContext): Canary {
  const made = configuredCanary(context, {});
  for (const part of ['tools', '.githooks']) cpSync(join(HOME, part), join(made.folder, part), { recursive: true });
  chmodSync(join(made.folder, '.githooks/pre-commit'), 0o755);
  git(made.folder, 'config', 'core.hooksPath', '.githooks');
  git(made.folder, 'config', 'user.name', 'Canary');
  git(made.folder, 'config', 'user.email', 'canary@localhost');
  return made;
}

function git(folder: string, ...args: readonly string[]): Outcome {
  const { GIT_INDEX_FILE: _index, GIT_DIR: _dir, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: folder, encoding: 'utf8', env });
  return { code: status, output: stdout + stderr };
}

describe('commit hook', () => {
  test('I1: blocks what is staged and broken, in two seconds at most on a quiet machine', (context) => {
    const { folder, write } = hooked(context);
    write({ 'src/base/bad.ts': 'export const a   = 1;\n', 'src/base/good.ts': `${HEAD}export const b = 1;\n` });
    git(folder, 'add', 'src');
    const started = performance.now();
    const { code, output } = git(folder, 'commit', '-q', '-m', 'Try');
    context.diagnostic(`the hook took ${((performance.now() - started) / 1000).toFixed(1)} s`);
    assert.equal(code, 1);
    assert.match(output, /src\/base\/bad\.ts:1 head-comment/);
    assert.match(output, /src\/base\/bad\.ts is not formatted: npx oxfmt src\/base\/bad\.ts/);
    assert.doesNotMatch(output, /good/);
  });

  test('I1: judges the staged content, and only what is in the commit', (context) => {
    const { folder, write } = hooked(context);
    write({ 'src/base/a.ts': `${HEAD}export const a = 1;\n`, 'src/base/other.ts': 'export default 1;\n' });
    git(folder, 'add', 'src');
    // Broken after it was staged, and another broken file staged beside: neither is part of this commit.
    write({ 'src/base/later.ts': 'export default 1;\n' });
    const { code, output } = git(folder, 'commit', '-q', '-m', 'Add a', '--', 'src/base/a.ts');
    assert.equal(code, 0, output);
    assert.equal(git(folder, 'commit', '-q', '-m', 'Add the other').code, 1);
  });

  test('I2: without packages the commit goes on', (context) => {
    const { folder, write } = hooked(context);
    rmSync(join(folder, 'node_modules'));
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
    symlinkSync('nowhere', join(folder, 'node_modules/.bin/node'));
    write({ 'src/base/bad.ts': 'export default 1;\n' });
    git(folder, 'add', 'src');
    assert.equal(git(folder, 'commit', '-q', '-m', 'Go on').code, 0);
  });
});
