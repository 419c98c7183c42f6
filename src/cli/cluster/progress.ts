/**
 * How far a cluster is with what a command asked of it: what is new to tell, what it does now, and whether that is the end. Pure; the shell is follow.ts.
 *
 * I1: an end is judged by what the cluster says of the generation that the command wrote, never by what it said of an earlier one.
 * I2: every line has a key, so that it is told once however often the cluster is looked at.
 * I3: what only a person can bring is told in full, once, while it is waited for.
 */

import { isLeaving } from '../../decide/node-facts.ts';
import type { Attempt } from '../../model/attempt.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterNode } from '../../model/cluster-node.ts';
import { conditionOf } from '../../model/condition.ts';
import type { Condition } from '../../model/condition.ts';
import type { ExitCode } from '../../model/fault.ts';

/** What a command sees at one moment. */
export interface Look {
  /** Undefined: it is gone. */
  readonly cluster: Cluster | undefined;
  /** Its nodes, those that leave too. */
  readonly nodes: readonly ClusterNode[];
  /** How long the command has followed. */
  readonly waitedMs: number;
}

export interface Line {
  readonly key: string;
  readonly text: string;
}

export interface Ending {
  readonly exit: ExitCode;
  readonly message: string;
}

export interface Progress {
  readonly lines: readonly Line[];
  /** What it does now, in a few words. */
  readonly now: string;
  readonly ending?: Ending;
}

export type Judge = (look: Look) => Progress;

/** So long nobody may have begun before it is said that nobody has. */
const UNNOTICED_MS = 10_000;
/** After so long a cluster says of its deletion what holds it up. */
const SETTLED_MS = 3_000;
const GONE: Progress = { lines: [], now: '', ending: { exit: 1, message: 'It was deleted meanwhile.' } };

// ---- creation ---------------------------------------------------------------------------------------------------------------------------

/** Of a cluster that was just made: the story of its attempts, until it is available, or stays in Error. */
export function judgeCreation({ cluster, waitedMs }: Look): Progress {
  if (cluster === undefined || cluster.metadata.deletionTimestamp !== undefined) return GONE;
  const { attempts = [], availableAt, phase } = cluster.status ?? {};
  const lines = attempts.flatMap(attemptLines);
  if (availableAt !== undefined) return { lines, now: '', ending: { exit: 0, message: availableWords(cluster) } };
  const newest = attempts.at(-1);
  if (phase === 'Error') return { lines, now: '', ending: { exit: 1, message: stuckWords(cluster, newest) } };
  if (newest === undefined) return { lines: waitedMs < UNNOTICED_MS ? [] : [UNNOTICED], now: 'waits for an extension server' };
  const asked = askedOf(newest);
  return { lines: asked === undefined ? lines : [...lines, asked], now: attemptNow(newest) };
}

const UNNOTICED: Line = {
  key: 'unnoticed',
  text: 'No extension server has taken it up yet. It is stored and waits; outrigger doctor says whether one runs.',
};

/** `03:12:45  Attempt 1: CreatePrimary is done after 0.5 s.` The log's own times, UTC. */
function attemptLines({ number, log = [] }: Attempt): readonly Line[] {
  return log.map((line) => {
    const [, time = '', said = line] = /^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)Z (.*)$/s.exec(line) ?? [];
    const text = said.startsWith('Attempt ') ? said : `Attempt ${number}: ${said}`;
    return { key: `${number} ${line}`, text: `${time}  ${text}`.trimStart() };
  });
}

/** What waits for a person, where the log does not say it (any more). */
function askedOf({ number, waitingFor, waits, message, log = [] }: Attempt): Line | undefined {
  if (waitingFor === undefined || waitingFor === 'Director') return undefined;
  const said = waits ?? message ?? 'it does not say for what';
  if (log.some((line) => line.includes(said))) return undefined;
  return { key: `${number} asks ${said}`, text: `Attempt ${number} waits: ${said}` };
}

function attemptNow({ number, step, waits, outcome }: Attempt): string {
  if (outcome === 'Failed') return `attempt ${number} failed; what it made is removed, then another one begins`;
  return [`attempt ${number}`, step, waits].filter((part) => part !== undefined).join(': ');
}

function availableWords({ metadata, status }: Cluster): string {
  const tookMs = Date.parse(status?.availableAt ?? '') - Date.parse(metadata.creationTimestamp);
  const nodes = Object.entries(status?.nodes ?? {}).map(([name, { role, address }]) =>
    `  ${name}  ${role ?? ''}  ${address ?? ''}`.trimEnd(),
  );
  const took = Number.isNaN(tookMs) ? '' : ` after ${Math.max(0, Math.round(tookMs / 1000))} s`;
  return [`${metadata.name} is Available${took}.`, ...nodes.toSorted()].join('\n');
}

function stuckWords({ metadata, spec }: Cluster, attempt: Attempt | undefined): string {
  const { name, namespace = '' } = metadata;
  const left = (attempt?.left ?? []).map((one) => `  ${one}`);
  const why = attempt?.message ?? 'it does not say why';
  const rule = spec.autoRepairOnErrors ? 'It is not tried again for this spec' : 'With autoRepairOnErrors off it is not tried again';
  return [
    `${name} is in Error: ${why}.`,
    `${rule}. Mend the cause and change the spec, or delete it: outrigger cluster delete ${name} -n ${namespace}`,
    ...(left.length === 0 ? [] : ['Kept for inspection:', ...left]),
  ].join('\n');
}

// ---- scale and upgrade ------------------------------------------------------------------------------------------------------------------

/** Until the spec of `generation` is what is: `workers` of them ready, and nobody leaving. */
export function judgeScale(workers: number, generation: number): Judge {
  return ({ cluster, nodes }) => {
    if (cluster === undefined || cluster.metadata.deletionTimestamp !== undefined) return GONE;
    const leaving = nodes.filter((node) => node.spec.index > workers || isLeaving(node)).map(({ metadata }) => metadata.name);
    const ready = cluster.status?.workers ?? 0;
    const now = [`${ready} of ${workers} workers ready`, ...(leaving.length === 0 ? [] : [`leaving: ${leaving.join(', ')}`])].join('; ');
    const lines = [
      { key: `${ready}/${workers}`, text: `Workers ready: ${ready}, asked for: ${workers}.` },
      ...leaving.map((name) => ({ key: `leaves ${name}`, text: `${name} is drained and let go.` })),
    ];
    const quota = spokenOf(cluster, 'QuotaReserved', generation);
    if (quota?.status === 'False')
      return { lines, now, ending: { exit: 1, message: `${quota.message} It is asked for, and goes on by itself when there is room.` } };
    const isThere = ready === workers && leaving.length === 0 && isAsAsked(cluster, generation);
    return isThere ? { lines, now, ending: { exit: 0, message: `${cluster.metadata.name} has ${workersText(workers)}.` } } : { lines, now };
  };
}

/** Until every node runs `release`, or went back. */
export function judgeUpgrade(release: string, generation: number): Judge {
  return ({ cluster }) => {
    if (cluster === undefined || cluster.metadata.deletionTimestamp !== undefined) return GONE;
    const { current, progress, rolledBack } = cluster.status?.release ?? {};
    const progressing = spokenOf(cluster, 'Progressing', generation);
    const said = progressing?.reason === 'Available' ? undefined : progressing?.message;
    const now = progress ?? said ?? `waits for the primary to take it up`;
    const lines = [
      ...(progress === undefined ? [] : [{ key: progress, text: `${progress}.` }]),
      ...(progressing?.reason === 'UpgradeWaits' ? [{ key: progressing.message, text: progressing.message }] : []),
    ];
    if (rolledBack !== undefined && rolledBack.generation >= generation && rolledBack.release === release)
      return rolledBackProgress(cluster, lines, now, rolledBack.message, current);
    if (progressing?.reason === 'UpgradeRefused') return { lines, now, ending: { exit: 3, message: progressing.message } };
    const isThere = current === release && progress === undefined && isAsAsked(cluster, generation);
    return isThere
      ? { lines, now, ending: { exit: 0, message: `Every node of ${cluster.metadata.name} runs ${release}.` } }
      : { lines, now };
  };
}

/** The roll-back is followed to its end: only then is it known what runs. */
function rolledBackProgress(cluster: Cluster, lines: readonly Line[], now: string, why: string, current: string | undefined): Progress {
  const told = [...lines, { key: 'back', text: `Going back: ${why}.` }];
  const isUnderWay = conditionOf(cluster.status?.conditions, 'Progressing')?.reason === 'RollingBack';
  if (isUnderWay) return { lines: told, now };
  const message = `${cluster.metadata.name} went back to ${current ?? 'what ran before'}: ${why}.`;
  return { lines: told, now, ending: { exit: 1, message } };
}

/** I1: what a condition says of an earlier generation is no answer. */
function spokenOf({ status }: Cluster, type: 'Progressing' | 'QuotaReserved', generation: number): Condition | undefined {
  const condition = conditionOf(status?.conditions, type);
  return condition !== undefined && (condition.observedGeneration ?? 0) >= generation ? condition : undefined;
}

function isAsAsked(cluster: Cluster, generation: number): boolean {
  const progressing = spokenOf(cluster, 'Progressing', generation);
  return progressing?.status === 'False' && progressing.reason === 'Available';
}

export function workersText(workers: number): string {
  return workers === 0 ? 'no worker' : workers === 1 ? '1 worker' : `${workers} workers`;
}

// ---- deletion ---------------------------------------------------------------------------------------------------------------------------

/** Until the cluster of this uid is gone. */
export function judgeDeletion(name: string): Judge {
  return ({ cluster, nodes, waitedMs }) => {
    if (cluster === undefined) return { lines: [], now: '', ending: { exit: 0, message: `${name} is gone.` } };
    const left = nodes.map(({ metadata }) => metadata.name).join(', ');
    // What was wrong before is no obstacle to its deletion.
    const error = waitedMs < SETTLED_MS ? undefined : cluster.status?.errorSet?.at(-1)?.message;
    const lines = error === undefined ? [] : [{ key: error, text: error }];
    return { lines, now: left === '' ? 'all nodes are gone' : `drains and removes ${left}` };
  };
}
