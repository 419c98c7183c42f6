/**
 * Carries out one drill at a site, in a process apart from the agent that ordered it: loads this node's balancer, asks for the kill, watches what
 * was killed come back, and writes down what it measured. It has no connection to any director.
 *
 * I1: nothing is killed when the load alone fails already: then there is nothing to learn.
 * I2: it ends by itself: after its deadlines, when its order is taken away, or when the node's folder is gone.
 * I3: times are counted from the kill; the load goes on until everything is back, so that clients of the return count too.
 */

import { memberOfSubject } from '../../decide/peer-trust.ts';
import { loadMeasured } from '../../decide/drill-verdict.ts';
import type { DrillMeasured } from '../../decide/drill-verdict.ts';
import type { DrillKilled } from '../../model/drill.ts';
import { Fault, isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import { PORTS } from '../../model/ports.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Identity } from '../../ports/director.ts';
import type { Load, LoadGenerator } from '../../ports/load.ts';
import type { Log } from '../../ports/log.ts';
import type { MutualHttp } from '../../ports/mutual-http.ts';
import { KILL_PATH } from './kill.ts';
import type { DrillLook, DrillOrder, DrillRecords, DrillResult } from './records.ts';

export interface DrillRunDeps {
  readonly uid: string;
  readonly records: DrillRecords;
  readonly clock: Clock;
  readonly log: Log;
  readonly loads: LoadGenerator;
  /** Whether something answers there within the time; with a path, by HTTP. */
  readonly answers: (look: DrillLook, timeoutMs: number, signal: AbortSignal) => Promise<boolean>;
  readonly http: MutualHttp;
  /** This node's. */
  readonly identity: () => Promise<Identity | undefined>;
}

interface Kill {
  readonly killed: readonly DrillKilled[];
  readonly atMs: number;
}

const KILL_RETRY_MS = 200;
/** One look: what does not answer within this is down. */
const LOOK_TIMEOUT_MS = 500;
const SEEN_EVERY_MS = 100;
const ORDER_EVERY_MS = 1_000;
const ANSWER_BYTES = 64 * 1024;

/** Resolves when the result is written. Throws `Fault` UsageWrong without an order. */
export async function runDrill(deps: DrillRunDeps, signal: AbortSignal): Promise<void> {
  const order = await deps.records.read(deps.uid, 'order');
  if (order === undefined) throw new Fault('UsageWrong', `There is no order for drill ${deps.uid} here; agents write them.`);
  await deps.records.write(deps.uid, 'begun', { atMs: deps.clock.monotonicMs() });
  const result = await resultOf(deps, order, signal);
  // Taken back meanwhile: nobody wants to know.
  if ((await deps.records.read(deps.uid, 'order')) === undefined) return;
  await deps.records.write(deps.uid, 'result', result);
  deps.log.info('The drill has ended.', { uid: deps.uid, state: result.state });
}

async function resultOf(deps: DrillRunDeps, order: DrillOrder, signal: AbortSignal): Promise<DrillResult> {
  const end = new AbortController();
  const either = AbortSignal.any([signal, end.signal]);
  const load = deps.loads.start(loadOrder(order), either);
  void untilTakenBack(deps, either).then(() => end.abort(new Fault('Aborted', 'The order was taken back.')));
  try {
    return await measured(deps, order, load, either);
  } catch (cause) {
    if (!isFault(cause) && !either.aborted) throw cause;
    return { state: 'failed', why: isFault(cause) ? cause.message : 'The process that carried it out was stopped.' };
  } finally {
    end.abort();
    await load.ended;
  }
}

async function untilTakenBack({ clock, records, uid }: DrillRunDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await records.read(uid, 'order')) !== undefined)
    await clock.sleep(ORDER_EVERY_MS, signal).catch(() => undefined);
}

function loadOrder({ load }: DrillOrder): Parameters<LoadGenerator['start']>[0] {
  const { host, port, request, keptClients, freshPerSecond } = load;
  return { host, port, request, keptClients, freshPerSecond };
}

async function measured(deps: DrillRunDeps, order: DrillOrder, load: Load, signal: AbortSignal): Promise<DrillResult> {
  const { clock } = deps;
  const startedMs = clock.monotonicMs();
  await clock.sleep(LIMITS.drillLeadMs, signal);
  const before = load.take();
  if (before.failed > 0 || before.attempts === 0)
    return {
      state: 'failed',
      why: `Nothing was killed: ${before.failed} of ${before.attempts} requests failed before that (${loadMeasured(before).reasons}). Look after the service first.`,
    };
  const kill = await askForKill(deps, order, signal);
  const recoveredAtMs = await untilBack(deps, order, kill.atMs, signal);
  const waitedMs = clock.monotonicMs() - kill.atMs;
  const untilMs = Math.max(startedMs + order.load.seconds * 1000, clock.monotonicMs() + LIMITS.drillTailMs);
  await clock.sleep(untilMs - clock.monotonicMs(), signal);
  const detectedMs = await detectedAfter(deps, kill.atMs);
  const result: DrillMeasured = {
    killed: kill.killed,
    ...(detectedMs === undefined ? {} : { detectedMs }),
    ...(recoveredAtMs === undefined ? {} : { recoveredMs: recoveredAtMs - kill.atMs }),
    waitedMs,
    load: loadMeasured(load.report()),
  };
  return { state: 'measured', measured: result };
}

// ---- the kill ---------------------------------------------------------------------------------------------------------------------------

/** Asks until the target's agent has seen the drill. Throws `Fault` when it refuses, or never hears. */
async function askForKill(deps: DrillRunDeps, order: DrillOrder, signal: AbortSignal): Promise<Kill> {
  const { clock } = deps;
  const untilMs = clock.monotonicMs() + LIMITS.drillKillTryMs;
  let unansweredMs: number | undefined;
  for (;;) {
    const askedMs = clock.monotonicMs();
    const answer = await askOnce(deps, order, signal);
    if ('killed' in answer) return answer;
    // It killed, and its answer was lost.
    if (answer.status === DONE_ALREADY && unansweredMs !== undefined) return { killed: [], atMs: unansweredMs };
    if (answer.status === undefined) unansweredMs ??= askedMs;
    const isLater = answer.status === undefined || NOT_YET.includes(answer.status);
    if (!isLater || clock.monotonicMs() >= untilMs) throw new Fault('PeerUnreachable', `Nothing was killed: ${answer.why}`);
    await clock.sleep(KILL_RETRY_MS, signal);
  }
}

/** It does not see the drill yet, or has just started and serves nobody. */
const NOT_YET: readonly number[] = [404, 409];
const DONE_ALREADY = 410;

/** `status` undefined: no answer came. */
type KillAnswer = Kill | { readonly why: string; readonly status: number | undefined };

async function askOnce(deps: DrillRunDeps, order: DrillOrder, signal: AbortSignal): Promise<KillAnswer> {
  const { clock } = deps;
  const identity = await deps.identity();
  if (identity === undefined) throw new Fault('CertificateInvalid', 'This node has no identity to ask with.');
  const { member } = order;
  const host = member.address.includes(':') ? `[${member.address}]` : member.address;
  try {
    const answer = await deps.http.call(
      {
        method: 'POST',
        url: `https://${host}:${PORTS.peer}${KILL_PATH}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ uid: order.uid }),
        trust: {
          kind: 'authority',
          authority: identity.authority,
          endedForMs: LIMITS.renewalAcceptedMs,
          accepts: (facts) => {
            const judged = memberOfSubject(facts, [member]);
            return 'refused' in judged ? judged.refused : undefined;
          },
        },
        identity,
        deadlineMs: LIMITS.peerCallMs,
        maxAnswerBytes: ANSWER_BYTES,
        trustedNowMs: order.trustedNowMs + clock.monotonicMs() - order.writtenMs,
      },
      signal,
    );
    const said = JSON.parse(answer.body.toString('utf8')) as { killed?: DrillKilled[]; inMs?: number; message?: string };
    if (answer.status === 200) return { killed: said.killed ?? [], atMs: clock.monotonicMs() + (said.inMs ?? 0) };
    return { why: said.message ?? `${member.name} answered ${answer.status}.`, status: answer.status };
  } catch (cause) {
    if (!isFault(cause) || signal.aborted) throw cause;
    return { why: cause.message, status: undefined };
  }
}

// ---- watching ---------------------------------------------------------------------------------------------------------------------------

/** When everything that died answers again; undefined: not by the deadline. */
async function untilBack(deps: DrillRunDeps, order: DrillOrder, killedAtMs: number, signal: AbortSignal): Promise<number | undefined> {
  const { clock } = deps;
  const untilMs = killedAtMs + LIMITS.drillRecoveryMs;
  const backAt = await Promise.all(order.looks.map((look) => watchOne(deps, look, killedAtMs, untilMs, signal)));
  if (!order.isHeardAgain || backAt.includes(undefined)) return backAt.includes(undefined) ? undefined : Math.max(...backAt.map(Number));
  while (clock.monotonicMs() < untilMs) {
    const changes = (await deps.records.read(order.uid, 'seen'))?.changes ?? [];
    const last = changes.filter(({ atMs }) => atMs >= killedAtMs).at(-1);
    // Back before anybody missed it, or heard again.
    if (last === undefined || !last.isDown) return Math.max(last?.atMs ?? 0, ...backAt.map(Number));
    await clock.sleep(SEEN_EVERY_MS, signal);
  }
  return undefined;
}

/** It must be seen gone before it can be back: a port that is still open a moment after the kill proves nothing. */
async function watchOne(
  deps: DrillRunDeps,
  look: DrillLook,
  killedAtMs: number,
  untilMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { clock } = deps;
  let wasGone = false;
  while (clock.monotonicMs() < untilMs) {
    const askedMs = clock.monotonicMs();
    const isThere = await deps.answers(look, LOOK_TIMEOUT_MS, signal);
    if (wasGone && isThere) return clock.monotonicMs();
    if (!isThere && askedMs >= killedAtMs) wasGone = true;
    await clock.sleep(LIMITS.drillLookMs, signal);
  }
  return undefined;
}

async function detectedAfter(deps: DrillRunDeps, killedAtMs: number): Promise<number | undefined> {
  const changes = (await deps.records.read(deps.uid, 'seen'))?.changes ?? [];
  const first = changes.find(({ isDown, atMs }) => isDown && atMs >= killedAtMs);
  return first === undefined ? undefined : first.atMs - killedAtMs;
}
