/**
 * Extension servers that die by SIGKILL at their N-th write, before it leaves or after it landed, again and again, while clusters are made and
 * deleted with real directors, hosts and agents. In the end everything is as asked, and nothing is left over.
 *
 * Which writes are met follows from a seed; OUTRIGGER_SEED=N repeats it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CLUSTER_NODES, CLUSTERS, HOSTS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { programCommand } from '../../src/platform/program.ts';
import { createDice } from '../../sim/dice.ts';
import { TEST_FAULTS_ALLOWED } from '../../src/extension/fault-point.ts';
import { clusterOf, createCluster, deleteCluster, NAMESPACE, say, seconds, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { runCommand } from '../support/machine-rig.ts';

const SEED = Number(process.env['OUTRIGGER_SEED'] ?? randomInt(1, 1_000_000));
/** Deaths that one run must see. */
const DEATHS = 30;
/** Servers at a time, each with a fault point of its own. */
const SERVERS = 2;
const WAIT_MS = 90_000;

describe(`extension servers that die at their writes (OUTRIGGER_SEED=${SEED})`, () => {
  let plane: ControlPlane;
  const dice = createDice(`crash points ${SEED}`);
  const deaths: string[] = [];
  const over = new AbortController();
  let lives: Promise<void>[] = [];

  before(async () => {
    plane = await startControlPlane('crash-points', 0, ['--no-sample']);
    await makeOrganization(plane);
    lives = Array.from({ length: SERVERS }, (_, index) => liveAndDie(index));
  });
  after(async () => {
    over.abort();
    await Promise.all(lives);
    await plane?.cleanup();
  });

  /** One server after the other; each dies at a write of its own, until it is told to stop. */
  const liveAndDie = async (index: number): Promise<void> => {
    while (!over.signal.aborted) {
      const [write, when] = [dice.between(1, 3), dice.pick(['before', 'after'])];
      const output = await runServer(plane, `crash-${index}`, `${write}:${when}`, over.signal);
      const death = /fault point: (.*)/.exec(output)?.[1];
      if (death !== undefined) deaths.push(death);
      else if (!over.signal.aborted) throw new Error(`a server ended by itself (OUTRIGGER_SEED=${SEED}):\n${output}`);
    }
  };
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    await eventually(what, async () => ((await holds()) ? true : undefined), WAIT_MS, 200).catch(async (cause: unknown) => {
      const clusters = (await plane.list(CLUSTERS)).map((one) => `${one.metadata.name} ${JSON.stringify(one.status?.conditions)}`);
      throw new Error(`${(cause as Error).message}; OUTRIGGER_SEED=${SEED}; deaths:\n${deaths.join('\n')}\n${clusters.join('\n')}`);
    });
  };
  const isAvailable = async (name: string): Promise<boolean> => (await clusterOf(plane, name)).status?.phase === 'Available';

  test('the variable alone refuses the start, with a sentence', async () => {
    const done = await runCommand(['extension', '--kubeconfig', kubeconfigOf(plane)], { OUTRIGGER_FAULT_AFTER_WRITE: '1' });
    assert.notEqual(done.code, 0);
    assert.match(`${done.out}${done.err}`, /for the tests of Outrigger alone/);
  });

  test(
    'clusters are made and some of them deleted while servers die at their writes: all is as asked',
    { timeout: 3 * WAIT_MS },
    async () => {
      const startedMs = performance.now();
      const kept = ['k0', 'k1'];
      const going = ['g0', 'g1'];
      for (const [at, name] of [...kept, ...going].entries()) await createCluster(plane, name, at % 2);
      await until('all are available', async () => (await Promise.all([...kept, ...going].map(isAvailable))).every(Boolean));
      const made = await Promise.all(kept.map((name) => clusterOf(plane, name)));
      say(`${deaths.length} deaths until all were available, ${seconds(performance.now() - startedMs)}`);
      for (const name of going) await deleteCluster(plane, name);
      await until('those to go are gone', async () => (await plane.list(CLUSTERS)).length === kept.length);
      // More of the same until enough writes were met.
      for (let round = 0; deaths.length < DEATHS; round++) {
        assert.ok(round < 12, `only ${deaths.length} deaths; OUTRIGGER_SEED=${SEED}`);
        await createCluster(plane, `r${round}`, 0);
        if (round % 2 === 0) await until(`r${round} is available`, () => isAvailable(`r${round}`));
        await deleteCluster(plane, `r${round}`);
        await until(`r${round} is gone`, async () => (await plane.get(CLUSTERS, NAMESPACE, `r${round}`)) === undefined);
      }
      say(`${deaths.length} deaths in ${seconds(performance.now() - startedMs)}: ${tally(deaths)}`);
      await nothingLeft(plane, kept, made);
    },
  );

  const nothingLeft = async (of: ControlPlane, kept: readonly string[], made: readonly Cluster[]): Promise<void> => {
    for (const [at, name] of kept.entries()) {
      const { status, spec, metadata } = await clusterOf(of, name);
      assert.deepEqual([status?.phase, status?.availableAt], ['Available', made[at]?.status?.availableAt], name);
      assert.equal(status?.attempts?.length, 1, `${name} needed one attempt`);
      const nodes = (await of.list(CLUSTER_NODES)).filter((node) => node.spec.clusterUid === metadata.uid);
      assert.deepEqual(
        nodes.map((node) => [node.spec.index, node.spec.incarnation]).sort(([a = 0], [b = 0]) => a - b),
        Array.from({ length: spec.workers + 1 }, (_, index) => [index, 1]),
        name,
      );
    }
    const owners = new Set(made.map((one) => one.metadata.uid));
    assert.deepEqual(
      (await of.list(CLUSTER_NODES)).filter((node) => !owners.has(node.spec.clusterUid)),
      [],
      'nodes without a cluster',
    );
    await until('no reservation is left over', async () => {
      const entries = (await of.list(VIRTUAL_DATA_CENTERS)).flatMap((vdc) => Object.keys(vdc.status?.reservations ?? {}));
      return (
        entries.length === made.reduce((sum, one) => sum + one.spec.workers + 1, 0) &&
        entries.every((key) => owners.has(key.split('.')[0] ?? ''))
      );
    });
    await until('no agent is left over', async () => of.of('agent').length === made.reduce((sum, one) => sum + one.spec.workers + 1, 0));
  };
});

function kubeconfigOf(plane: ControlPlane): string {
  return join(plane.data, 'run', 'extension.kubeconfig');
}

/** Runs one server to its end, which is its fault point or the signal. */
async function runServer(plane: ControlPlane, identity: string, faultPoint: string, signal: AbortSignal): Promise<string> {
  const [file, ...rest] = programCommand(['extension', '--kubeconfig', kubeconfigOf(plane), '--identity', identity, '--log-level', 'warn']);
  const env = {
    ...process.env,
    OUTRIGGER_DATA: plane.data,
    OUTRIGGER_ROLE: 'extension',
    OUTRIGGER_FAULT_AFTER_WRITE: faultPoint,
    OUTRIGGER_TEST_FAULTS: TEST_FAULTS_ALLOWED,
  };
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  await new Promise((done) => child.once('close', done));
  signal.removeEventListener('abort', kill);
  return output;
}

/** How often each kind of write was met. */
function tally(deaths: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const death of deaths) {
    const what = death.replace(/^killed (\w+) write \d+, (.*) \S+$/, '$2 ($1)');
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, times]) => `${times} × ${what}`).join(', ');
}

/** A data center on the hosts that there are; with sharing off, so that no server waits for the Lease of a dead one. */
async function makeOrganization(plane: ControlPlane): Promise<void> {
  const hosts = (await plane.list(HOSTS)).map((host) => host.metadata.name);
  const quota = { nodes: 40, cpuMillis: 64_000, memoryMiB: 65_536 };
  for (const object of [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    {
      apiVersion: 'outrigger.dev/v1',
      kind: 'VirtualDataCenter',
      metadata: { name: 'main', namespace: NAMESPACE },
      spec: { quota, hosts, nodeDriver: 'process' },
    },
    { apiVersion: 'outrigger.dev/v1', kind: 'ServerConfig', metadata: { name: 'a-crash-points' }, spec: { sharing: 'Off' } },
  ]) {
    const made = await plane.apply(object);
    assert.equal(made.code, 0, made.err);
  }
}
