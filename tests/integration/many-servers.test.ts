/**
 * Any number of extension servers: they join, are killed, stopped, paused past their Leases and woken in any order, with creations, repairs and deletions
 * under way. Afterwards every cluster has ended as asked, nothing is doubled, and nothing is left over. Then the same with sharing switched off, where
 * every server works on everything.
 *
 * OUTRIGGER_SEED repeats the order of what is done to the servers; how that meets their work is up to the machine.
 */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { made, NAMESPACE, startPlane } from '../../bench/provisioning/rig.ts';
import type { BenchPlane } from '../../bench/provisioning/rig.ts';
import { createDice } from '../../sim/dice.ts';
import type { Dice } from '../../sim/dice.ts';
import { CLUSTER_NODES, CLUSTERS, SERVER_CONFIGS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { ResourceAddress } from '../../src/model/core-kinds.ts';
import { ANNOTATION_CONFIRM_DEAD } from '../../src/model/labels.ts';
import { eventually } from '../support/eventually.ts';
import { PLAIN_RELEASE } from '../support/plain-release.ts';

const SEED = process.env['OUTRIGGER_SEED'] ?? String(Date.now());
const ROUNDS = 14;
/** Longer than a Lease lasts, in the course of some rounds. */
const ROUND_MS = 800;
const SERVERS = 3;
const PATIENCE_MS = 60_000;

/** What was asked for, and which servers run. */
interface Scene {
  readonly plane: BenchPlane;
  readonly dice: Dice;
  /** By name of a cluster that shall stand: the incarnation that its first node shall have. */
  readonly wanted: Map<string, number>;
  readonly deleted: Set<string>;
  readonly running: Map<string, ChildProcess>;
  readonly paused: Map<string, ChildProcess>;
  readonly prefix: string;
  made: number;
}

let plane: BenchPlane;
let servers = 0;
before(async () => {
  plane = await startPlane({ homes: 1, hosts: true, machineMs: 300, servicesMs: 300 });
  const config = { apiVersion: 'outrigger.dev/v1', kind: 'ServerConfig', metadata: { name: 'many' }, spec: {} };
  await made(plane.api.create(SERVER_CONFIGS, '', config, within()));
});
after(() => plane.stop());

describe('many extension servers', { timeout: 240_000 }, () => {
  it('share the work, whatever happens to them, and nothing is doubled or left', (t) => shaken(t, 'Rendezvous'));
  it('end the same with sharing off, every one working on everything', (t) => shaken(t, 'Off'));
});

async function shaken(t: TestContext, sharing: 'Rendezvous' | 'Off'): Promise<void> {
  t.diagnostic(`OUTRIGGER_SEED=${SEED}`);
  await made(plane.api.mergePatch(SERVER_CONFIGS, '', 'many', { spec: { sharing } }, within()));
  const dice = createDice(`${SEED} ${sharing}`);
  const [running, paused] = [new Map<string, ChildProcess>(), new Map<string, ChildProcess>()];
  const scene: Scene = { plane, dice, wanted: new Map(), deleted: new Set(), running, paused, prefix: sharing.toLowerCase(), made: 0 };
  t.after(() => [...running.values(), ...paused.values()].forEach((child) => child.kill('SIGKILL')));
  for (let i = 0; i < SERVERS; i++) start(scene);
  const done: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await create(scene);
    await perhapsRepairOrDelete(scene);
    done.push(shake(scene));
    await wait(ROUND_MS);
  }
  for (const name of paused.keys()) wake(scene, name);
  if (running.size === 0) start(scene);
  const repairs = [...scene.wanted.values()].filter((incarnation) => incarnation > 1).length;
  t.diagnostic(
    `${done.join(', ')}; ${scene.wanted.size} clusters shall stand, ${repairs} of them repaired, ${scene.deleted.size} were deleted`,
  );
  const begun = performance.now();
  let last = '';
  await eventually(
    'all as asked',
    async () => {
      last = (await faults(scene)).join('; ');
      return last === '';
    },
    PATIENCE_MS,
    250,
  ).catch(() => assert.fail(`OUTRIGGER_SEED=${SEED}: ${last}`));
  t.diagnostic(`all as asked ${Math.round(performance.now() - begun)} ms after the last blow`);
  for (const name of scene.wanted.keys()) await made(plane.api.delete(CLUSTERS, NAMESPACE, name, {}, within()));
  scene.wanted.clear();
  await eventually('nothing left', async () => (await faults(scene)).length === 0, PATIENCE_MS, 250);
}

// ---- what is asked ------------------------------------------------------------------------------------------------------------------------

async function create(scene: Scene): Promise<void> {
  const name = `${scene.prefix}-${scene.made++}`;
  const spec = { virtualDataCenter: 'home-1', release: PLAIN_RELEASE, workers: scene.dice.between(0, 1) };
  const object = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name, namespace: NAMESPACE }, spec };
  await made(scene.plane.api.create(CLUSTERS, NAMESPACE, object, within()));
  scene.wanted.set(name, 1);
}

/** A cluster that is available loses its primary, by a person's word; any cluster is deleted, at whatever point of its life. */
async function perhapsRepairOrDelete(scene: Scene): Promise<void> {
  const {
    plane: { api },
    dice,
    wanted,
  } = scene;
  const clusters = (await list(CLUSTERS)).filter(({ metadata }) => wanted.has(metadata.name));
  const whole = clusters.filter(({ metadata, status }) => status?.availableAt !== undefined && wanted.get(metadata.name) === 1);
  if (whole.length > 0 && dice.chance(0.7)) {
    const { name } = dice.pick(whole).metadata;
    const node = (await list(CLUSTER_NODES)).find(({ metadata, spec }) => spec.cluster === name && metadata.name.endsWith('-n0'));
    assert.ok(node !== undefined);
    const patch = { metadata: { uid: node.metadata.uid, annotations: { [ANNOTATION_CONFIRM_DEAD]: String(node.spec.incarnation) } } };
    await made(api.mergePatch(CLUSTER_NODES, NAMESPACE, node.metadata.name, patch, within()));
    wanted.set(name, 2);
  }
  if (wanted.size > 3 && dice.chance(0.4)) {
    const name = dice.pick([...wanted.keys()]);
    await made(api.delete(CLUSTERS, NAMESPACE, name, {}, within()));
    wanted.delete(name);
    scene.deleted.add(name);
  }
}

// ---- what is done to the servers ------------------------------------------------------------------------------------------------------------

function start(scene: Scene): string {
  const name = `many-${++servers}`;
  scene.running.set(name, scene.plane.startServer(name));
  return `start ${name}`;
}

function wake(scene: Scene, name: string): string {
  const child = scene.paused.get(name);
  assert.ok(child !== undefined);
  child.kill('SIGCONT');
  scene.paused.delete(name);
  scene.running.set(name, child);
  return `wake ${name}`;
}

function shake(scene: Scene): string {
  const { dice, running, paused } = scene;
  if (paused.size > 0 && dice.chance(0.3)) return wake(scene, dice.pick([...paused.keys()]));
  if (running.size < 2 || (running.size < SERVERS && dice.chance(0.5))) return start(scene);
  const name = dice.pick([...running.keys()]);
  const signal = dice.pick(['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const);
  const child = running.get(name);
  running.delete(name);
  if (signal === 'SIGSTOP' && child !== undefined) paused.set(name, child);
  child?.kill(signal);
  return `${signal} ${name}`;
}

// ---- what must be true ----------------------------------------------------------------------------------------------------------------------

/** A sentence for everything that is not as asked. */
async function faults({ wanted, prefix }: Scene): Promise<string[]> {
  const clusters = (await list(CLUSTERS)).filter(({ metadata }) => metadata.name.startsWith(`${prefix}-`));
  const nodes = (await list(CLUSTER_NODES)).filter(({ spec }) => spec.cluster.startsWith(`${prefix}-`));
  const homes = await list(VIRTUAL_DATA_CENTERS);
  const reserved = Object.keys(homes[0]?.status?.reservations ?? {}).sort();
  const should = clusters.flatMap(({ metadata, spec }) => [...Array(spec.workers + 1).keys()].map((i) => `${metadata.uid}.${i}`)).sort();
  const known = new Set(clusters.map(({ metadata }) => metadata.uid));
  return [
    ...[...wanted.keys()].filter((name) => !clusters.some(({ metadata }) => metadata.name === name)).map((name) => `${name} is not there`),
    ...clusters.filter(({ metadata }) => !wanted.has(metadata.name)).map(({ metadata }) => `${metadata.name} was deleted and stands`),
    ...nodes.filter(({ spec }) => !known.has(spec.clusterUid)).map(({ metadata }) => `${metadata.name} is an orphan`),
    ...(reserved.join() === should.join() ? [] : [`reserved is ${reserved.join()} instead of ${should.join()}`]),
    ...clusters.flatMap((cluster) => faultsOf(cluster, nodes, wanted.get(cluster.metadata.name) ?? 1)),
  ];
}

function faultsOf({ metadata, spec, status }: Cluster, all: readonly ClusterNode[], incarnation: number): string[] {
  const nodes = all.filter(({ spec: { clusterUid } }) => clusterUid === metadata.uid);
  const first = nodes.find((node) => node.metadata.name === `${metadata.name}-a${status?.attempt ?? 1}-n0`);
  const isUp = nodes.every((node) => node.status?.agent?.incarnation === node.spec.incarnation && node.spec.host !== undefined);
  return [
    ...(status?.availableAt === undefined ? [`${metadata.name} is not available (${status?.phase ?? 'Pending'})`] : []),
    ...(nodes.length === spec.workers + 1 ? [] : [`${metadata.name} has ${nodes.length} nodes for ${spec.workers} workers`]),
    ...(first?.spec.incarnation === incarnation
      ? []
      : [`n0 of ${metadata.name} lives its ${first?.spec.incarnation}. life, not its ${incarnation}.`]),
    ...((status?.attempt ?? 1) === 1 ? [] : [`${metadata.name} needed attempt ${status?.attempt}`]),
    ...(isUp ? [] : [`a node of ${metadata.name} is not up`]),
  ];
}

async function list<T>(address: ResourceAddress<T>): Promise<readonly T[]> {
  return (await made(plane.api.list(address, {}, within()))).items;
}

function within(): AbortSignal {
  return AbortSignal.timeout(15_000);
}
