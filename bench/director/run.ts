/**
 * `npm run bench -- director`: the director by the reference's phases, its table beside the reference's recorded figures.
 *
 * Starts a director of its own over an embedded PostgreSQL in a temporary folder, with fsync on, TLS and the normal rights; runs each phase in
 * several rounds and prints medians and spread. Ratios are the promise; absolute figures swing with the machine, so a calibration is printed.
 */

import { startBenchDirector } from './target.ts';
import type { BenchDirector } from './target.ts';
import { calibrate, describeMachine, proportionalMB, withDescendants } from '../calibration.ts';
import { connect } from './client.ts';
import type { BenchClient, Sample } from './client.ts';
import * as phases from './phases.ts';
import type { Sizes } from './phases.ts';
import { renderReport } from './report.ts';
import type { Figures } from './report.ts';
import { watchPhase } from './watches.ts';
import type { WatchLoad, WatchSample } from './watches.ts';
import { BENCH_NAMESPACE, benchCrd } from './workload.ts';

const short = process.argv.includes('--short');
const json = process.argv.includes('--json');
const ROUNDS = short ? 1 : 3;
const SIZES: Sizes = short ? { objects: 500, inFlight: 32, alone: 50, lists: 3 } : { objects: 5000, inFlight: 32, alone: 500, lists: 7 };
const WATCH_SECONDS = short ? 1 : 5;

const WATCHES: Readonly<Record<string, WatchLoad>> = {
  onePaced: { watchers: 1, paced: 50, seconds: WATCH_SECONDS },
  oneFast: { watchers: 1, seconds: WATCH_SECONDS },
  tenFast: { watchers: 10, seconds: WATCH_SECONDS },
  hundredPaced: { watchers: 100, paced: 50, seconds: WATCH_SECONDS },
  hundredFast: { watchers: 100, seconds: WATCH_SECONDS },
};

function note(text: string): void {
  if (!json) process.stderr.write(`${text}\n`);
}

interface Collected {
  readonly phases: Record<string, Sample[]>;
  readonly lists: Record<string, phases.ListSample[]>;
  readonly watches: Record<string, WatchSample[]>;
  apply: Sample | undefined;
  memoryAfterCreate: number;
}

async function round(client: BenchClient, into: Collected, at: number, pids: () => number[]): Promise<void> {
  const keep = async (name: string, run: () => Promise<Sample>): Promise<void> => {
    const sample = await run();
    if (sample.failures > 0) throw new Error(`${name}: ${sample.failures} requests failed`);
    (into.phases[name] ??= []).push(sample);
    note(`  ${name}: ${Math.round(sample.perSecond)}/s`);
  };
  await keep('create', () => phases.createAll(client, SIZES));
  if (at === 0) into.memoryAfterCreate = proportionalMB(pids());
  await keep('get', () => phases.getAll(client, SIZES));
  await keep('statusPatch', () => phases.patchStatusAll(client, SIZES, at));
  await keep('getPut', () => phases.getPutAll(client, SIZES, at));
  into.apply = await phases.applyAll(client, SIZES);
  await keep('getOne', () => phases.getAlone(client, SIZES));
  await keep('statusPatchOne', () => phases.patchStatusAlone(client, SIZES));
  for (const [name, once] of Object.entries(phases.LISTS)) {
    const sample = await phases.listTimes(client, SIZES.lists, once);
    (into.lists[name] ??= []).push(sample);
    note(`  ${name}: ${sample.medianMs.toFixed(1)} ms, ${sample.megabytes.toFixed(2)} MB`);
  }
  for (const [name, load] of Object.entries(WATCHES)) {
    const sample = await watchPhase(client, SIZES, load);
    if (sample.lost !== 0) throw new Error(`${name}: ${sample.lost} events were lost`);
    (into.watches[name] ??= []).push(sample);
    note(`  ${name}: ${Math.round(sample.eventsPerSecond)} events/s`);
  }
  await keep('delete', () => phases.deleteAll(client, SIZES));
}

async function prepare(client: BenchClient): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: BENCH_NAMESPACE } };
  const made = [
    await client.request('POST', '/api/v1/namespaces', JSON.stringify(namespace)),
    await client.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', JSON.stringify(benchCrd())),
  ];
  for (const answer of made) if (answer.status !== 201) throw new Error(`the bench could not prepare: ${answer.status} ${answer.text}`);
  for (const deadline = performance.now() + 5_000; performance.now() < deadline;) {
    const ready = await client.request('GET', `/apis/bench.outrigger.dev/v1/namespaces/${BENCH_NAMESPACE}/orders?limit=1`);
    if (ready.status === 200) return;
  }
  throw new Error('the CRD of the bench was not served within 5 s');
}

async function runAll(director: BenchDirector): Promise<Figures> {
  const pids = (): number[] => director.pids().flatMap(withDescendants);
  const memoryEmpty = proportionalMB(pids());
  const into: Collected = { phases: {}, lists: {}, watches: {}, apply: undefined, memoryAfterCreate: 0 };
  const client = connect(director.target, SIZES.inFlight);
  try {
    await prepare(client);
    for (let at = 0; at < ROUNDS; at++) {
      note(`round ${at + 1} of ${ROUNDS}`);
      await round(client, into, at, pids);
    }
  } finally {
    await client.close();
  }
  const memory = { empty: memoryEmpty, afterCreate: into.memoryAfterCreate, afterAll: proportionalMB(pids()) };
  return { ...into, memory, readySeconds: director.readySeconds, objects: SIZES.objects };
}

note('Starting PostgreSQL and a director …');
const before = calibrate();
const director = await startBenchDirector();
try {
  const figures = await runAll(director);
  const after = calibrate();
  process.stdout.write(json ? `${JSON.stringify(figures)}\n` : renderReport(figures, describeMachine(), [before, after]));
} finally {
  await director.stop();
}
