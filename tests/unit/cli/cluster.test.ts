/** What `outrigger cluster` settles, refuses, shows and asks before anything is written. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deletionWords, mayDelete, reachableWords, upgradeProblem } from '../../../src/cli/cluster/change.ts';
import { chosenDataCenter, manifestOf, newestRelease, orderWords } from '../../../src/cli/cluster/create.ts';
import { renderClusters } from '../../../src/cli/cluster/list.ts';
import { linePrefixer, logSources, showLogs } from '../../../src/cli/cluster/logs.ts';
import { Fault, isFault } from '../../../src/model/fault.ts';
import { cluster, node, release } from '../../support/cli-cluster.ts';

const never = new AbortController().signal;
const usage = (error: unknown): boolean => isFault(error, 'UsageWrong');
const ORDER = {
  namespace: 'demo',
  name: 'pier',
  workers: 1,
  release: undefined,
  virtualDataCenter: undefined,
  site: undefined,
  joined: false,
  autoRepair: true,
};

describe('create', () => {
  test('I1: the newest release is by number, and never a pre-release', () => {
    assert.equal(newestRelease(['1.9.0', '1.10.0', '2.0.0-rc1'].map((version) => release(version))), '1.10.0');
    assert.throws(() => newestRelease([]), usage);
  });

  test('I1: the only VirtualDataCenter is taken; of several none is guessed', () => {
    assert.equal(chosenDataCenter('demo', ['main']), 'main');
    assert.throws(() => chosenDataCenter('demo', []), /has no VirtualDataCenter/);
    assert.throws(() => chosenDataCenter('demo', ['a', 'b']), /choose with --virtual-data-center: a, b/);
  });

  test('the manifest holds what was said, and nothing that was not', () => {
    const plain = manifestOf(ORDER, '1.0.0', 'main');
    assert.deepEqual(plain.spec, { virtualDataCenter: 'main', release: '1.0.0', workers: 1 });
    const all = manifestOf({ ...ORDER, site: 'pier', joined: true, autoRepair: false, workers: 0 }, '1.0.0', 'main');
    assert.deepEqual(all.spec, {
      virtualDataCenter: 'main',
      release: '1.0.0',
      workers: 0,
      nodes: 'Joined',
      site: 'pier',
      autoRepairOnErrors: false,
    });
    assert.equal(
      orderWords(all),
      'Cluster demo/pier: a primary and no worker, release 1.0.0, from VirtualDataCenter main, paired with site pier, on machines that join',
    );
  });
});

describe('upgrade', () => {
  const releases = [release('1.0.0'), release('1.1.0', ['1.0.0']), release('2.0.0', ['1.1.0'])];
  const running = cluster({ availableAt: '2030-01-01T00:00:00Z', release: { current: '1.0.0' } });

  test('I2: without a way it is refused, with what can be reached', () => {
    assert.match(
      upgradeProblem(running, '2.0.0', releases) ?? '',
      /^There is no way from release 1\.0\.0 to 2\.0\.0.*From 1\.0\.0 can be reached: 1\.1\.0\.$/,
    );
    assert.equal(upgradeProblem(running, '1.1.0', releases), undefined);
    assert.match(upgradeProblem(running, '3.0.0', releases) ?? '', /^There is no release 3\.0\.0\. From 1\.0\.0/);
    assert.equal(upgradeProblem(cluster({}), '2.0.0', releases), undefined, 'before it was available everything goes');
    assert.equal(reachableWords(running, [release('1.0.0')]), 'From 1.0.0 no other release can be reached.');
  });
});

describe('delete', () => {
  const which = { namespace: 'demo', name: 'pier' };

  test('I3: only its name, typed, or --yes lets it go; without a terminal it is refused', async () => {
    const asked = (answer: string) => mayDelete({ yes: false, ask: () => Promise.resolve(answer) }, which, never);
    assert.deepEqual([await asked('pier'), await asked('yes'), await asked('')], [true, false, false]);
    assert.equal(await mayDelete({ yes: true, ask: undefined }, which, never), true);
    await assert.rejects(
      mayDelete({ yes: false, ask: undefined }, which, never),
      (error) => isFault(error, 'DirectorRefused') && error.message.includes('--yes'),
    );
  });

  test('it says what goes and what stays', () => {
    const words = deletionWords(cluster({ phase: 'Available', services: { hello: {} } }, { site: 'quay' }), [node('pier-a1-n0', 0)]).join(
      '\n',
    );
    assert.match(
      words,
      /cluster demo\/pier \(Available\)[^]*pier-a1-n0: drained, then removed[^]*hello: stopped[^]*quay is unplugged[^]*stays +VirtualDataCenter main/,
    );
    assert.match(deletionWords(cluster({}, { nodes: 'Joined' }), [node('pier-a1-n0', 0)]).join('\n'), /the machines themselves stay/);
  });
});

test('the list lines up, shows nothing as <none>, and tells what needs a person', () => {
  const now = Date.parse('2030-01-01T01:00:00Z');
  const upgrading = {
    phase: 'Available',
    workers: 1,
    primary: 'pier-a1-n0',
    release: { current: '1.0.0', target: '1.0.1', progress: 'p' },
  } as const;
  const ready = {
    type: 'Ready',
    status: 'False',
    reason: 'NodeNotReady',
    message: 'The primary is not ready.',
    lastTransitionTime: '',
  } as const;
  const broken = { ...cluster({ phase: 'Error', conditions: [ready] }), metadata: { ...cluster({}).metadata, name: 'quay-of-the-north' } };
  const lines = renderClusters([cluster(upgrading), broken], now).split('\n');
  assert.match(lines[0] ?? '', /^NAMESPACE {2}NAME +PHASE/);
  assert.deepEqual((lines[1] ?? '').split(/ +/), [
    'demo',
    'pier',
    'Available',
    '1.0.0>1.0.1',
    'pier-a1-n0',
    '1/1',
    '<none>',
    '<none>',
    '60m',
  ]);
  assert.equal((lines[1] ?? '').indexOf('Available'), (lines[2] ?? '').indexOf('Error'));
  assert.match(lines.join('\n'), /Needs a person:\ndemo\/quay-of-the-north {2}The primary is not ready\./);
});

describe('logs', () => {
  const nodes = [node('pier-a1-n0', 0, ['hello', 'ticker']), node('pier-a1-n1', 1, ['hello'])];
  const order = { service: 'hello', node: undefined, container: undefined, tail: 3, follow: true };
  const nodesOf = (more: object) => logSources('pier', 'demo', nodes, { ...order, ...more }).map((source) => source.node);

  test('all nodes that run it, or the one that is named; what there is is said when it is none', () => {
    assert.deepEqual(nodesOf({}), ['pier-a1-n0', 'pier-a1-n1']);
    assert.deepEqual(nodesOf({ service: 'ticker' }), ['pier-a1-n0']);
    assert.deepEqual(nodesOf({ node: 'pier-a1-n1' }), ['pier-a1-n1']);
    assert.throws(() => nodesOf({ service: undefined }), /outrigger cluster logs pier SERVICE -n demo\. pier runs hello, ticker/);
    assert.throws(() => nodesOf({ service: 'helo' }), usage);
    assert.throws(() => nodesOf({ node: 'pier-a1-n9' }), /has no node pier-a1-n9; it has pier-a1-n0, pier-a1-n1/);
    const [first] = logSources('pier', 'demo', nodes, order);
    assert.deepEqual(first?.query, { service: 'hello', container: undefined, tailLines: '3', follow: 'true' });
    assert.equal(first.path, '/apis/outrigger.dev/v1/namespaces/demo/clusternodes/pier-a1-n0/log');
  });

  test('I1: lines are put together whole, however they come', () => {
    let out = '';
    const { take, end } = linePrefixer('n0  ', (text) => (out += text));
    for (const part of ['on', 'e\ntw', 'o\n', 'three']) take(part);
    assert.equal(out, 'n0  one\nn0  two\n');
    end();
    assert.equal(out, 'n0  one\nn0  two\nn0  three\n');
  });

  test('I2: a node that cannot be read is said, and the others are shown', async () => {
    const said = { out: '', err: '' };
    const deps = {
      read: ({ node: name }: { readonly node: string }, onText: (text: string) => void) => {
        if (name === 'pier-a1-n1') return Promise.reject(new Fault('PeerUnreachable', 'It has no tunnel.'));
        onText('here\n');
        return Promise.resolve();
      },
      write: (text: string) => (said.out += text),
      complain: (text: string) => (said.err += text),
    };
    assert.equal(await showLogs(deps, logSources('pier', 'demo', nodes, order), never), 4);
    assert.deepEqual(said, { out: 'pier-a1-n0  here\n', err: 'outrigger: pier-a1-n1: It has no tunnel.\n' });
  });
});
