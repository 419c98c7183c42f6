/**
 * The balancer by HAProxy: this process writes what HAProxy obeys, keeps it alive, and tells what it counts. No byte of a client passes here.
 *
 * I1: a new table changes instances by HAProxy's runtime API; only other services need a successor, which takes over the listening sockets.
 * I2: HAProxy goes on when this process dies; the next one finds it and goes on with it. When HAProxy dies it is started again at once.
 * I3: a port that another program has takes nothing from the other services: it is left out, said, and tried again.
 * I4: what was counted is kept when HAProxy is replaced or restarted, as long as this process lives.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { commandsFor, countsOf, haproxyConfig, shapeOf, statRows } from '../decide/haproxy-config.ts';
import type { HaproxyCounts, HaproxyInput, StatRow } from '../decide/haproxy-config.ts';
import type { Balancer, BalancerTable, ListenerStatus } from '../ports/balancer.ts';
import type { Log } from '../ports/log.ts';
import { bindProblem, haproxyFolder, openFilesLimit } from './haproxy-process.ts';
import type { HaproxyFolder, HaproxyLife } from './haproxy-process.ts';
import { isAlive } from './process-id.ts';

/** Whether it lives is looked at this often; that is cheap. */
const LOOK_MS = 100;
const STATS_MS = 500;
const CONFLICT_RETRY_MS = 250;
const START_RETRY_MS = 500;
const STAT = 'show stat -1 7 -1';

interface Haproxy {
  readonly folder: HaproxyFolder;
  readonly log: Log;
  readonly openFiles: number;
  readonly told: (() => void)[];
  table: BalancerTable | undefined;
  life: HaproxyLife | undefined;
  /** Names of services that are in its configuration. */
  served: ReadonlySet<string>;
  rows: readonly StatRow[];
  /** Of services that are not served: why. */
  problems: ReadonlyMap<string, string>;
  /** Counted by predecessors, by service. */
  before: Map<string, HaproxyCounts>;
  startFailed: string | undefined;
  poke: () => void;
}

/** `program`: HAProxy's path. `dir`: the node's folder, where its configuration and socket lie. */
export function haproxy(program: string, dir: string, log: Log): Balancer {
  const state: Haproxy = {
    folder: haproxyFolder(program, dir),
    log,
    openFiles: openFilesLimit(),
    told: [],
    table: undefined,
    life: undefined,
    served: new Set(),
    rows: [],
    problems: new Map(),
    before: new Map(),
    startFailed: undefined,
    poke: () => {},
  };
  const stop = new AbortController();
  const ended = keep(state, stop.signal);
  return {
    apply: (table) => {
      state.table = table;
      state.poke();
    },
    listeners: () => (state.table?.services ?? []).map(({ name, port }) => statusOf(state, name, port)),
    onListening: (listener) => void state.told.push(listener),
    close: async () => {
      stop.abort();
      state.poke();
      await ended;
      await state.folder.end();
      state.folder.close();
    },
  };
}

/** Looks again and again whether HAProxy is as it should be, and makes it so. */
async function keep(state: Haproxy, signal: AbortSignal): Promise<void> {
  let nextMs = 0;
  let obeyed: BalancerTable | undefined;
  while (!signal.aborted) {
    const poked = Promise.withResolvers<void>();
    state.poke = poked.resolve;
    const { life, table } = state;
    const before = saidOf(state);
    const hasDied = life !== undefined && !isAlive(life.id);
    if (hasDied) {
      state.log.warn('HAProxy ended; it is started again.', { pid: life.id.pid });
      remember(state);
      state.life = undefined;
      state.served = new Set();
    }
    if (table !== undefined && (table !== obeyed || hasDied || performance.now() >= nextMs)) {
      obeyed = table;
      await bringInLine(state, table);
      await readStats(state);
      nextMs = performance.now() + pauseOf(state);
    }
    if (saidOf(state) !== before) for (const told of state.told) told();
    if (signal.aborted) return;
    const exited = state.life?.exited ?? new Promise<never>(() => {});
    await Promise.race([poked.promise, exited, wait(Math.min(LOOK_MS, pauseOf(state)), undefined, { ref: false })]);
  }
}

function pauseOf(state: Haproxy): number {
  if (state.startFailed !== undefined) return START_RETRY_MS;
  if (state.problems.size > 0) return CONFLICT_RETRY_MS;
  return STATS_MS;
}

/** What `onListening` is about. */
function saidOf(state: Haproxy): string {
  return JSON.stringify((state.table?.services ?? []).map(({ name }) => [name, messageOf(state, name) ?? '']));
}

function messageOf(state: Haproxy, name: string): string | undefined {
  if (state.served.has(name)) return undefined;
  return state.problems.get(name) ?? state.startFailed ?? 'starts to listen';
}

async function bringInLine(state: Haproxy, table: BalancerTable): Promise<void> {
  state.life ??= await state.folder.find();
  const input = await possible(state, table);
  if (input.services.length === 0) return nothingToDo(state);
  if (state.life?.shape !== shapeOf(input) && !(await replace(state, input))) return;
  state.served = new Set(input.services.map((one) => one.name));
  const rows = statRows((await state.folder.ask([STAT])) ?? '');
  const commands = rows.length === 0 ? [] : commandsFor(input, rows);
  if (commands.length > 0) await state.folder.ask(commands);
}

/** It refuses to run without a listener. */
function nothingToDo(state: Haproxy): void {
  if (state.life !== undefined) state.folder.retire(state.life);
  remember(state);
  state.life = undefined;
  state.served = new Set();
}

/** The table without the services whose port another program has. */
async function possible(state: Haproxy, table: BalancerTable): Promise<HaproxyInput> {
  const held = new Set(state.life?.binds);
  const problems = new Map<string, string>();
  for (const { name, port } of table.services) {
    const bind = `${table.address}:${port}`;
    const problem = held.has(bind) ? undefined : await bindProblem(bind);
    if (problem === undefined) continue;
    if (state.problems.get(name) !== problem) state.log.warn(`The balancer of ${name} ${problem}.`);
    problems.set(name, problem);
  }
  state.problems = problems;
  const services = table.services.filter((one) => !problems.has(one.name));
  return { address: table.address, services, openFiles: state.openFiles };
}

async function replace(state: Haproxy, input: HaproxyInput): Promise<boolean> {
  const before = state.life;
  const started = await state.folder.start(haproxyConfig(input), before?.id);
  if ('problem' in started) {
    if (state.startFailed !== started.problem) state.log.error(`${started.problem}; it is tried again.`);
    state.startFailed = started.problem;
    return false;
  }
  state.startFailed = undefined;
  remember(state);
  state.life = started.life;
  state.log.info('HAProxy serves.', { pid: started.life.id.pid, services: input.services.length, replaced: before?.id.pid });
  return true;
}

async function readStats(state: Haproxy): Promise<void> {
  if (state.life === undefined) return;
  const said = await state.folder.ask([STAT]);
  if (said !== undefined && said !== '') state.rows = statRows(said);
}

/** What the one that is to go has counted. */
function remember(state: Haproxy): void {
  for (const { name } of state.table?.services ?? []) state.before.set(name, totalOf(state, name));
  state.rows = [];
}

const SUMMED = ['accepted', 'refused', 'failed', 'retries', 'ejections', 'readmissions', 'inBytes', 'outBytes'] as const;

function totalOf(state: Haproxy, name: string): HaproxyCounts {
  const now = countsOf(state.rows, name);
  const before = state.before.get(name);
  if (before === undefined) return now;
  return { ...now, ...Object.fromEntries(SUMMED.map((key) => [key, now[key] + before[key]])) };
}

function statusOf(state: Haproxy, name: string, port: number): ListenerStatus {
  const message = messageOf(state, name);
  return { name, port, listening: message === undefined, ...(message === undefined ? {} : { message }), ...totalOf(state, name) };
}
