/**
 * The console's build as a stranger meets it: made at the first start, again when what it is made from changed, and never in anybody's way.
 *
 * Each test works on a copy of tools/setup with a build of its own, so that nothing is fetched or bundled.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { consoleStamp } from '../../tools/setup/console.mjs';
import { HOME, canary } from './canary.ts';

const LOCK = '{"lockfileVersion":3,"packages":{"":{}}}';
/** Counts itself, and leaves what a build leaves. */
const BUILDS = `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { consoleStamp, STAMP_FILE } from '../setup/console.mjs';
appendFileSync('builds', 'x');
mkdirSync('console/dist', { recursive: true });
writeFileSync('console/dist/' + STAMP_FILE, consoleStamp(process.cwd()));
`;

function checkout(context: TestContext, build: string): { readonly folder: string; start(): string; builds(): number } {
  const { folder } = canary(context, {
    'package-lock.json': LOCK,
    'package.json': '{"type":"module"}',
    'src/main/outrigger.ts': "console.log('started', process.argv[2]);\n",
    'src/model/word.ts': 'export const word = 1;\n',
    'console/vite.config.ts': 'export default {};\n',
    'console/src/main.tsx': 'export {};\n',
    'tools/build/console.ts': build,
  });
  cpSync(join(HOME, 'tools', 'setup'), join(folder, 'tools', 'setup'), { recursive: true });
  const bin = join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(process.execPath, join(bin, 'node'));
  writeFileSync(join(folder, 'node_modules', '.package-lock.json'), LOCK);
  return {
    folder,
    start: () => {
      const env = { PATH: '/usr/bin:/bin', HOME: folder, CI: '1' };
      const done = spawnSync(process.execPath, ['tools/setup/run.mjs', 'start'], { cwd: folder, encoding: 'utf8', env, timeout: 30_000 });
      assert.equal(done.status, 0, done.stdout + done.stderr);
      return done.stdout + done.stderr;
    },
    builds: () => (existsSync(join(folder, 'builds')) ? readFileSync(join(folder, 'builds'), 'utf8').length : 0),
  };
}

describe('the build of the console', () => {
  test('I1: is made at the first start, again when what it is made from changed, and not otherwise', (context) => {
    const place = checkout(context, BUILDS);
    assert.match(place.start(), /building the console[^]*started up/);
    assert.equal(place.start(), 'started up\n');
    assert.equal(place.builds(), 1);
    writeFileSync(join(place.folder, 'src', 'model', 'word.ts'), 'export const word = 2;\n');
    place.start();
    assert.equal(place.builds(), 2);
    writeFileSync(join(place.folder, 'console', 'src', 'more.ts'), 'export {};\n');
    place.start();
    place.start();
    assert.equal(place.builds(), 3);
  });

  test('I2: one that fails keeps nobody from starting, and says so', (context) => {
    const place = checkout(context, 'process.exitCode = 1;\n');
    assert.match(place.start(), /could not be built; everything else goes on without it[^]*started up/);
  });

  test('I1: the stamp is of contents and names, not of times', (context) => {
    const [one, other] = [checkout(context, BUILDS), checkout(context, BUILDS)];
    assert.equal(consoleStamp(one.folder), consoleStamp(other.folder));
  });
});
