/**
 * Mutants: the real decision code with one promise broken each. The simulator must find every one within the seeds that the unbroken code passes.
 */

export interface Mutant {
  readonly name: string;
  /** Below the repository. */
  readonly file: string;
  /** The seed that found it last: tried first, to spare time. */
  readonly seed: number;
  /** Must occur in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'deletes, and all else that destroys, are decided from cached reads',
    seed: 2,
    file: 'src/decide/effect.ts',
    find: 'export function isDestructive(effect: Effect): boolean {',
    replace: "export function isDestructive(effect: Effect): boolean {\n  if (effect.kind !== 'RecordEvent') return false;",
  },
  {
    name: 'the gate before destruction lets cached views pass',
    seed: 1,
    file: 'src/decide/license.ts',
    find: '  if (view.live) return { ...decision, needsLive: false };',
    replace: '  if (view.live || decision.effects.length > 0) return { ...decision, needsLive: false };',
  },
  {
    name: 'auto-repair does not look at availableAt',
    seed: 1,
    file: 'src/decide/creation.ts',
    find: 'status?.availableAt === undefined ? decideCreation(view) : decideAfterAvailable(view)',
    replace: 'status?.phase !== undefined ? decideCreation(view) : decideAfterAvailable(view)',
  },
  {
    name: 'the next attempt begins without the live list',
    seed: 69,
    file: 'src/decide/creation.ts',
    find: '  if (!view.live) return { ...NO_EFFECTS, needsLive: true, watching: [retryKey(view, attempt)] };',
    replace: '',
  },
  {
    name: 'the next attempt begins beside nodes of the one before',
    seed: 2,
    file: 'src/decide/creation.ts',
    find: '  if (view.nodes.length > 0) {',
    replace: '  if (view.nodes.length > 1) {',
  },
  {
    name: 'a reservation is dropped before its node is gone',
    seed: 1,
    file: 'src/decide/reservation.ts',
    find: '!keep.has(key) && !held.has(key)',
    replace: '!keep.has(key)',
  },
  {
    name: 'the service machine starts without knowing what runs',
    seed: 1,
    file: 'src/decide/service-machine.ts',
    find: '    pods: undefined,\n    busy: undefined,\n    relist: false,\n    listedMs: 0,',
    replace: '    pods: [],\n    busy: undefined,\n    relist: false,\n    listedMs: Number.MAX_SAFE_INTEGER,',
  },
  {
    name: 'the service machine takes a failed stop for a stop',
    seed: 2,
    file: 'src/decide/service-machine.ts',
    find: "    case 'StopFailed':\n      return state.busy?.kind === 'Stop' ? retryLater({ ...state, busy: undefined, pods: undefined }, event.message, nowMs, dice) : state;",
    replace:
      "    case 'StopFailed':\n      return state.busy?.kind === 'Stop' ? { ...state, busy: undefined, draining: undefined, pods: [] } : state;",
  },
  {
    name: 'a machine of which nothing is heard counts as dead',
    seed: 7,
    file: 'src/decide/node-facts.ts',
    find: "if (machineOf(node)?.phase === 'Gone')",
    replace: "if (machineOf(node)?.phase !== 'Running')",
  },
  {
    name: 'the finalizer is dropped for a host that holds the node',
    seed: 2,
    file: 'src/decide/let-go.ts',
    find: '  if (isUnclaimed(node)) return',
    replace: '  if (!isUnclaimed(node)) return',
  },
  {
    name: 'late nodes of abandoned attempts are not swept',
    seed: 80,
    file: 'src/decide/let-go.ts',
    find: "  if ((cluster.status?.abandonedAttempt ?? 0) >= node.spec.attempt) return 'AttemptAbandoned';",
    replace: "  if ((cluster.status?.abandonedAttempt ?? 0) === cluster.status?.attempt) return 'AttemptAbandoned';",
  },
  {
    name: 'a deadline is judged by time stamps alone',
    seed: 64,
    file: 'src/decide/creation.ts',
    find: 'Math.max(deadlineMs - stamped, Math.min(LIMITS.stepSeenMinMs, deadlineMs) - seen)',
    replace: 'deadlineMs - stamped',
  },
  {
    name: 'a host starts a machine of an abandoned attempt',
    seed: 70,
    file: 'src/decide/host-claim.ts',
    find: '  if ((cluster.status?.abandonedAttempt ?? 0) >= spec.attempt) return',
    replace: '  if ((cluster.status?.abandonedAttempt ?? 0) > spec.attempt + 100) return',
  },
];
