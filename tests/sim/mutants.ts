/**
 * Mutants: the real decision code with one promise broken each. The simulator must find every one within the seeds that the unbroken code passes.
 */

export interface Mutant {
  readonly name: string;
  /** Below the repository. */
  readonly file: string;
  /** The seed that found it last: tried first, to spare time. `node tests/sim/refresh-seeds.ts` brings the stale ones up to date. */
  readonly seed: number;
  /** Must occur in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'deletes, and all else that destroys, are decided from cached reads',
    seed: 81,
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
    seed: 51,
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
    seed: 4,
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
    seed: 1,
    file: 'src/decide/service-machine.ts',
    find: "    case 'StopFailed':\n      return state.busy?.kind === 'Stop' ? retryLater({ ...state, busy: undefined, pods: undefined }, event.message, nowMs, dice) : state;",
    replace:
      "    case 'StopFailed':\n      return state.busy?.kind === 'Stop' ? { ...state, busy: undefined, draining: undefined, pods: [] } : state;",
  },
  {
    name: 'a machine of which nothing is heard counts as dead',
    seed: 6,
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
    name: 'a deadline is judged by time stamps alone',
    seed: 19,
    file: 'src/decide/step-clock.ts',
    find: 'Math.max(deadlineMs - stamped, Math.min(LIMITS.stepSeenMinMs, deadlineMs) - seen)',
    replace: 'deadlineMs - stamped',
  },
  {
    name: 'a node that its host lost track of is replaced',
    seed: 11,
    file: 'src/decide/failure-cause.ts',
    find: "return deathOf(node) !== undefined || machineOf(node)?.reason !== 'RecordLost';",
    replace: 'return true;',
  },
  {
    name: 'a host starts a machine of an abandoned attempt',
    seed: 37,
    file: 'src/decide/host-claim.ts',
    find: '  if ((cluster.status?.abandonedAttempt ?? 0) >= spec.attempt) return',
    replace: '  if ((cluster.status?.abandonedAttempt ?? 0) > spec.attempt + 100) return',
  },
  {
    name: 'a site is claimed though another cluster is plugged in',
    seed: 1,
    file: 'src/decide/site-duty.ts',
    find: "  if (plugged === undefined) return { do: 'Claim' };\n  if (plugged.uid !== cluster.uid) return { do: 'Nothing' };",
    replace: "  if (plugged?.uid !== cluster.uid) return { do: 'Claim' };",
  },
  {
    name: 'a cluster becomes available before its site says that it is paired',
    seed: 1,
    file: 'src/decide/site-standing.ts',
    find: "  if (pairing.state === 'Paired')\n",
    replace: "  if (pairing.state !== 'Failed')\n",
  },
  {
    name: 'a site that was paired is not paired any more when a later check fails',
    seed: 4,
    file: 'src/decide/site-duty.ts',
    find: "  const state = wasPaired ? 'Paired' : found;",
    replace: '  const state = wasPaired && !complete ? before.state : found;',
  },
  {
    name: 'a site is freed while nodes of its cluster run',
    seed: 14,
    file: 'src/decide/deletion.ts',
    find: '  const patch = said(view, gone.waits);\n',
    replace:
      '  const patch = said(view, gone.waits);\n  if (view.live && releasedByDeletion(view).length > 0) return { ...NO_EFFECTS, effects: releasedByDeletion(view) };\n',
  },
  {
    name: 'a site that its cluster names is freed by an old word of a person',
    seed: 2,
    file: 'src/decide/site-release.ts',
    find: '(site) => site.metadata.name !== spec.site && site',
    replace: '(site) => site',
  },
  {
    name: 'a machine that is lost while a site is waited for is not noticed',
    seed: 139,
    file: 'src/decide/steps.ts',
    find: "  if (present.state !== 'Done') return present;\n",
    replace: '',
  },
  {
    name: 'a host without records begins a life again that ran there',
    seed: 2,
    file: 'src/decide/host-claim.ts',
    find: "said === undefined || said === 'Claimed' ? 'start' : 'sayLost'",
    replace: "said !== 'Gone' ? 'start' : 'sayLost'",
  },
  {
    name: 'a host without records says Gone of what still lives',
    seed: 2,
    file: 'src/decide/host-claim.ts',
    find: '  if (pids.length === 0 && folder === undefined) return',
    replace: '  if (pids.length >= 0) return',
  },
  {
    name: 'a host that was confirmed dead proves deaths in every boot of it',
    seed: 6,
    file: 'src/decide/host-death.ts',
    find: 'machine === undefined ? host.status?.bootId === boot : machine.bootId === boot',
    replace: 'machine === undefined ? host.status?.bootId === boot : true',
  },
  {
    name: 'a turn is given though the one before is not over',
    seed: 7,
    file: 'src/decide/change.ts',
    find: 'return moved.find((node) => !unheard.has(node.metadata.name) && !hasTaken(node, plan));',
    replace: 'return moved.find((node) => unheard.size > 99 && !hasTaken(node, plan));',
  },
  {
    name: 'a first plan in a cluster that was available is taken by everybody at once',
    seed: 112,
    file: 'src/decide/change.ts',
    find: 'return wasAvailable ? { ...plan, previous: contentUnknown() } : plan;',
    replace: 'return plan;',
  },
  {
    name: 'what was rolled back is tried again',
    seed: 1,
    file: 'src/decide/change.ts',
    find: 'if (isBarred) {',
    replace: 'if (isBarred && rolledBack.generation < 0) {',
  },
  {
    name: 'a turn has no deadline',
    seed: 17,
    file: 'src/decide/change.ts',
    find: 'const isLate = (clock.ran[factOf(plan, blocker)] ?? 0) >= plan.upgrade.readySeconds * 1000;',
    replace: 'const isLate = plan.turn < 0;',
  },
  {
    name: 'a node takes what is new without its turn',
    seed: 7,
    file: 'src/decide/cluster-plan.ts',
    find: 'if (plan.previous === undefined || plan.moved.includes(nodeUid)) return plan.target;',
    replace: 'if (plan.moved.length >= 0) return plan.target;',
  },
  {
    name: 'the last ready instance is taken away',
    seed: 86,
    file: 'src/decide/change-nodes.ts',
    find: '  if (last === undefined) return undefined;\n',
    replace: '  if (last === undefined || plan !== undefined) return undefined;\n',
  },
];
