/**
 * Keeps this node's balancer alive and told.
 *
 * I1: at most one balancer of the node runs: one that lives already is found by its marks and adopted.
 * I2: a balancer that died is started again at once, then with back-off up to a few seconds.
 * I3: when the agent ends, the balancer goes on.
 * I4: a table is told as soon as it changed, and only then.
 */

import { backoffMs } from '../base/backoff.ts';
import { canonicalJson } from '../base/canonical.ts';
import type { BalancerState } from '../decide/agent-duty.ts';
import type { EndpointTable } from '../decide/endpoints.ts';
import { isFault } from '../model/fault.ts';
import type { Json } from '../model/json.ts';
import type { BalancerStatus, BalancerTable } from '../ports/balancer.ts';
import type { ProcessId } from '../ports/processes.ts';
import { TABLE_RECORD } from './balancer-role.ts';
import type { AgentDeps } from './deps.ts';

export interface BalancerKeeper {
  /** Throws `Fault` when the table cannot be written. */
  tell(table: EndpointTable): Promise<void>;
  state(): BalancerState;
  /** As the balancer told of them last. */
  listeners(): BalancerStatus['listeners'];
}

const BACKOFF = { baseMs: 100, capMs: 5_000, jitter: 0.2 };
const RESET_AFTER_MS = 30_000;
/** How often a balancer that is not our child is looked at. */
const LOOK_MS = 200;

/** Keeps it until the signal aborts. `onChange`: what `state` says changed. */
export function keepBalancer(deps: AgentDeps, onChange: () => void, signal: AbortSignal): BalancerKeeper {
  let living: ProcessId | undefined;
  let failure: string | undefined;
  let status: BalancerStatus | undefined;
  let told: string | undefined;
  let downSinceMs = deps.clock.monotonicMs();
  const problem = (): string | undefined => {
    if (living === undefined) return failure ?? 'the balancer is being started';
    // What a former life said of itself counts for nothing.
    if (status?.table === undefined || status.process.startTicks !== living.startTicks)
      return 'the balancer has not said yet that it serves';
    const silent = status.listeners.find((one) => !one.listening);
    return silent === undefined ? undefined : `the balancer of ${silent.name} ${silent.message ?? 'does not listen yet'}`;
  };
  const changed = (change: () => void): void => {
    const before = problem();
    change();
    const now = problem();
    if (before === now) return;
    if (before === undefined) downSinceMs = deps.clock.monotonicMs();
    onChange();
  };
  deps.watchBalancer((read) => {
    if (read.state === 'found') changed(() => (status = read.body as unknown as BalancerStatus));
  }, signal);
  void keepAlive(
    deps,
    (id, why) =>
      changed(() => {
        living = id;
        failure = why;
      }),
    signal,
  );
  return {
    tell: async (table) => {
      const full: BalancerTable = { address: deps.node.address, node: deps.node.node, services: table.services };
      if (canonicalJson(full) === told) return;
      await deps.folder.write(TABLE_RECORD, full as unknown as Json);
      told = canonicalJson(full);
    },
    listeners: () => status?.listeners ?? [],
    state: () => {
      const message = problem();
      if (message === undefined) return { running: true, downMs: 0 };
      return { running: false, downMs: deps.clock.monotonicMs() - downSinceMs, message };
    },
  };
}

type Said = (living: ProcessId | undefined, failure: string | undefined) => void;

async function keepAlive(deps: AgentDeps, said: Said, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    const startedMs = deps.clock.monotonicMs();
    const why = await liveOnce(deps, said, signal);
    if (signal.aborted) return;
    said(undefined, `the balancer ${why}; it is started again`);
    deps.log.warn(`The balancer ${why}; it is started again.`);
    failures = deps.clock.monotonicMs() - startedMs >= RESET_AFTER_MS ? 0 : failures + 1;
    // The first death is met at once.
    if (failures > 1) await deps.clock.sleep(backoffMs(BACKOFF, failures - 1, deps.random.float()), signal).catch(() => undefined);
  }
}

/** One life of the balancer, found or started; resolves with why it is over. */
async function liveOnce(deps: AgentDeps, said: Said, signal: AbortSignal): Promise<string> {
  // Another host on this machine may run another life of this node.
  const { OUTRIGGER_DATA } = deps.balancerStart.environment;
  const own = OUTRIGGER_DATA === undefined ? {} : { OUTRIGGER_DATA };
  const found = deps.processes.find({ ...own, OUTRIGGER_NODE: deps.node.nodeUid, OUTRIGGER_ROLE: 'balancer' })[0];
  if (found !== undefined) {
    said(found.id, undefined);
    while (!signal.aborted && deps.processes.isAlive(found.id)) await deps.clock.sleep(LOOK_MS, signal).catch(() => undefined);
    return 'ended';
  }
  try {
    const { id, exited } = await deps.processes.start(deps.balancerStart);
    said(id, undefined);
    const stopped = Promise.withResolvers<undefined>();
    signal.addEventListener('abort', () => stopped.resolve(undefined), { once: true });
    const exit = await Promise.race([exited, stopped.promise]);
    return exit === undefined ? 'goes on' : `ended (${exit.signal ?? `exit code ${exit.exitCode}`})`;
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    return `cannot be started: ${cause.message}`;
  }
}
