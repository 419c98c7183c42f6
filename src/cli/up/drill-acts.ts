/**
 * The drills of the control plane, each as an act: what is killed, and how it is seen that it is over.
 *
 * I1: the process that dies is the one that the mark of its part names, by boot, pid and start; nobody else gets its signal.
 * I2: lost writes are counted on what was acknowledged: a counter that is written before, while and after, one write at a time.
 * I3: what was made for a drill is taken away again, whatever came of it; and nothing else: it bears the drill's uid, and goes by its own uid.
 */

import type { DrillMeasured } from '../../decide/drill-verdict.ts';
import { CLUSTERS } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import { CONFIG_MAPS } from '../../model/core-kinds.ts';
import type { ConfigMap, ResourceAddress } from '../../model/core-kinds.ts';
import type { Drill } from '../../model/drill.ts';
import { Fault, isFault } from '../../model/fault.ts';
import { LABEL_DRILL } from '../../model/labels.ts';
import { LIMITS } from '../../model/limits.ts';
import { GROUP_VERSION } from '../../model/resource.ts';
import type { ObjectMeta } from '../../model/resource.ts';
import type { DirectorApi } from '../../ports/director.ts';
import type { ProcessId } from '../../ports/processes.ts';
import { readRunMark } from '../data-folder.ts';
import type { UpDeps } from './deps.ts';

export interface ActParts {
  readonly deps: UpDeps;
  readonly api: DirectorApi;
  /** Names of parts that are ready now. */
  readonly ready: () => readonly string[];
}

/** Times from the kill; without the load, which goes on beside it. */
export type ActMeasured = Omit<DrillMeasured, 'load'>;

/** Prepared: kills and measures. */
export type Act = (signal: AbortSignal) => Promise<ActMeasured>;

const WRITE_EVERY_MS = 25;
const WRITE_DEADLINE_MS = 3_000;
const LOOK_MS = 50;
/** Clusters that nobody can make; each is looked at by the extension server that it falls to. */
const CANARIES = 8;
const CANARY_DEADLINE_MS = 30_000;

export async function prepareAct(parts: ActParts, drill: Drill, signal: AbortSignal): Promise<Act> {
  if (drill.spec.target === 'ExtensionServer') return await extensionAct(parts, drill, signal);
  return await writesAct(parts, drill, drill.spec.target === 'Director' ? 'director' : 'postgres', signal);
}

/** Takes away what was made for a drill, also by an up that was killed in the middle of it. What is not there is no fault. */
export async function tidyAct({ api }: ActParts, drill: Drill, signal: AbortSignal): Promise<void> {
  const { namespace = '', uid } = drill.metadata;
  if (drill.spec.target !== 'ExtensionServer') return await takeAway(api, CONFIG_MAPS, namespace, [counterOf(drill)], uid, signal);
  await takeAway(api, CLUSTERS, namespace, canariesOf(drill), uid, signal);
}

/** Deletes those of `names` that bear the uid of the drill, as they were read. */
async function takeAway<T extends { readonly metadata: ObjectMeta }>(
  api: DirectorApi,
  address: ResourceAddress<T>,
  namespace: string,
  names: readonly string[],
  drillUid: string,
  signal: AbortSignal,
): Promise<void> {
  for (const name of names) {
    const found = await answered(() => api.get<T>(address, namespace, name, signal), signal);
    if (found?.ok !== true || found.value.metadata.labels?.[LABEL_DRILL] !== drillUid) continue;
    const { uid } = found.value.metadata;
    await answered(() => api.delete(address, namespace, name, { uid }, signal), signal);
  }
}

/** By the uid: names of drills may be alike in as many letters as fit, and be those of somebody else's objects. */
function counterOf({ metadata }: Drill): string {
  return `drill-${metadata.uid}`;
}

function canariesOf({ metadata }: Drill): readonly string[] {
  return Array.from({ length: CANARIES }, (_, index) => `drill-${metadata.uid}-${index + 1}`);
}

/** The process that is this part now; undefined: none lives. */
function processOf({ deps }: ActParts, part: string): ProcessId | undefined {
  const id = part === 'postgres' ? deps.database.running() : readRunMark(deps.files, deps.paths, part);
  return id !== undefined && deps.processes.isAlive(id) ? id : undefined;
}

function victimOf(parts: ActParts, part: string): ProcessId {
  const id = processOf(parts, part);
  if (id === undefined) throw new Fault('ProgramMissing', `${part} does not run now, so there is nothing to kill.`);
  return id;
}

function kill({ deps }: ActParts, part: string, id: ProcessId): { readonly atMs: number; readonly killed: ActMeasured['killed'] } {
  const atMs = deps.clock.monotonicMs();
  deps.processes.signalOne(id, 'SIGKILL');
  return { atMs, killed: [{ what: part, pids: [id.pid] }] };
}

// ---- the director and the database: writes ----------------------------------------------------------------------------------------------

interface Counter {
  /** The highest count that was acknowledged. */
  acknowledged: number;
  /** True: acknowledged. One without an answer is written again: it is the same. */
  writeNext(signal: AbortSignal): Promise<boolean>;
  stored(signal: AbortSignal): Promise<number | undefined>;
}

async function openCounter({ api }: ActParts, drill: Drill, signal: AbortSignal): Promise<Counter> {
  const { namespace = '', uid } = drill.metadata;
  const map = counterOf(drill);
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: map, namespace, labels: { [LABEL_DRILL]: uid } },
    data: { count: '0' },
  };
  const made = await api.create(CONFIG_MAPS, namespace, object, signal);
  if (!made.ok) throw new Fault('DirectorRefused', `The counter of the drill was not made: ${made.message}`);
  const counter: Counter = {
    acknowledged: 0,
    writeNext: async (within) => {
      const patch = { data: { count: String(counter.acknowledged + 1) } };
      const deadline = AbortSignal.any([within, AbortSignal.timeout(WRITE_DEADLINE_MS)]);
      const done = await answered(() => api.mergePatch(CONFIG_MAPS, namespace, map, patch, deadline), deadline);
      if (done?.ok === true) counter.acknowledged++;
      return done?.ok === true;
    },
    stored: async (within) => {
      const answer = await answered(() => api.get<ConfigMap>(CONFIG_MAPS, namespace, map, within), within);
      return answer?.ok === true ? Number(answer.value.data?.['count'] ?? 0) : undefined;
    },
  };
  return counter;
}

async function writesAct(parts: ActParts, drill: Drill, part: string, signal: AbortSignal): Promise<Act> {
  const { clock } = parts.deps;
  const counter = await openCounter(parts, drill, signal);
  return async (within) => {
    const untilMs = clock.monotonicMs() + LIMITS.drillLeadMs;
    while (clock.monotonicMs() < untilMs) if (await counter.writeNext(within)) await clock.sleep(WRITE_EVERY_MS, within);
    const victim = victimOf(parts, part);
    // One is under way while it dies: that is what could be lost.
    const underWay = counter.writeNext(within);
    await clock.sleep(1, within);
    const { atMs, killed } = kill(parts, part, victim);
    await underWay;
    const backAtMs = await untilWritten(parts, counter, part, victim, atMs + LIMITS.drillRecoveryMs, within);
    const found = backAtMs === undefined ? undefined : await counter.stored(within);
    return {
      killed,
      ...(backAtMs === undefined ? {} : { recoveredMs: backAtMs - atMs }),
      ...(found === undefined ? {} : { lostWrites: Math.max(0, counter.acknowledged - found) }),
      waitedMs: clock.monotonicMs() - atMs,
    };
  };
}

/** When a write was acknowledged that began in the next life of the part: what is left of the last one may still answer for a moment. */
async function untilWritten(
  parts: ActParts,
  counter: Counter,
  part: string,
  victim: ProcessId,
  untilMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { clock } = parts.deps;
  while (clock.monotonicMs() < untilMs) {
    const now = processOf(parts, part);
    const isNext = now !== undefined && (now.pid !== victim.pid || now.startTicks !== victim.startTicks);
    if ((await counter.writeNext(signal)) && isNext) return clock.monotonicMs();
    await clock.sleep(WRITE_EVERY_MS, signal);
  }
  return undefined;
}

/** Undefined: nobody answered. */
async function answered<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await ask();
  } catch (cause) {
    if (isFault(cause) || signal.aborted) return undefined;
    throw cause;
  }
}

// ---- an extension server: changes that it would look at ---------------------------------------------------------------------------------

async function extensionAct(parts: ActParts, drill: Drill, signal: AbortSignal): Promise<Act> {
  const { deps, api } = parts;
  const { namespace = '', uid } = drill.metadata;
  const names = canariesOf(drill);
  for (const one of names) {
    const spec = { virtualDataCenter: 'drill-none', release: 'drill-none', workers: 0 };
    const object = {
      apiVersion: GROUP_VERSION,
      kind: 'Cluster',
      metadata: { name: one, namespace, labels: { [LABEL_DRILL]: uid } },
      spec,
    };
    const made = await api.create(CLUSTERS, namespace, object, signal);
    if (!made.ok) throw new Fault('DirectorRefused', `Cluster ${one}, by which the drill measures, was not made: ${made.message}`);
  }
  if ((await untilSeen(parts, namespace, names, deps.clock.monotonicMs() + CANARY_DEADLINE_MS, signal)) === undefined)
    throw new Fault('DeadlineExceeded', 'Nothing was killed: the extension servers do not look at new clusters; see their logs.');
  return async (within) => {
    const part = parts.ready().find((one) => one.startsWith('extension-')) ?? 'extension-1';
    const { atMs, killed } = kill(parts, part, victimOf(parts, part));
    for (const one of names) await answered(() => api.mergePatch(CLUSTERS, namespace, one, { spec: { workers: 1 } }, within), within);
    const backAtMs = await untilSeen(parts, namespace, names, atMs + LIMITS.drillRecoveryMs, within);
    return { killed, ...(backAtMs === undefined ? {} : { recoveredMs: backAtMs - atMs }), waitedMs: deps.clock.monotonicMs() - atMs };
  };
}

/** When an extension server had looked at each of them as it is now; undefined: not in time. */
async function untilSeen(
  { deps: { clock }, api }: ActParts,
  namespace: string,
  names: readonly string[],
  untilMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  while (clock.monotonicMs() < untilMs) {
    const listed = await answered(() => api.list<Cluster>(CLUSTERS, { namespace }, signal), signal);
    const mine = listed?.ok === true ? listed.value.items.filter(({ metadata }) => names.includes(metadata.name)) : [];
    const isSeen = mine.every(({ metadata, status }) => status?.observedGeneration === metadata.generation);
    if (mine.length === names.length && isSeen) return clock.monotonicMs();
    await clock.sleep(LOOK_MS, signal);
  }
  return undefined;
}
