/**
 * Readiness for the death of what carries services: agents, balancers, nodes, machines; and for a reboot without a director.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import { conditionOf } from '../model/condition.ts';
import { machineHolding } from '../model/joined-machine.ts';
import { agentOf, isForJoined, machineOf, standing } from './node-facts.ts';
import { silenceOfPreset } from './node-restart.ts';
import type { Forecast, Verdict } from './readiness-forecast.ts';
import { isUp, machineNameOf, membersOf, primaryOf, roomElsewhere, standingsOf, together } from './readiness-facts.ts';
import type { ReadinessFacts, ServiceStanding } from './readiness-facts.ts';

export function nodeForecasts(facts: ReadinessFacts): readonly Forecast[] {
  const members = membersOf(facts);
  const primary = primaryOf(facts);
  const workersFirst = [...members.filter((node) => node !== primary), ...(primary === undefined ? [] : [primary])];
  return [
    ...members.flatMap((node) => [agentCrash(facts, node), agentHang(facts, node)]),
    ...members.flatMap((node) => balancer(facts, node)),
    ...workersFirst.map((node) => death(facts, node, node === primary)),
    ...machines(facts),
    ...workersFirst.map((node) => reboot(facts, node, node === primary)),
  ];
}

function agentCrash(facts: ReadinessFacts, node: ClusterNode): Forecast {
  const { name } = node.metadata;
  const base = { row: 'agent-crash', subject: name, failure: `the agent of ${name} (crash)` } as const;
  return agent(facts, node, base, 'started again within 1 s');
}

function agentHang(facts: ReadinessFacts, node: ClusterNode): Forecast {
  const { name } = node.metadata;
  const base = { row: 'agent-hang', subject: name, failure: `the agent of ${name} (hangs)` } as const;
  const preset = facts.cluster.spec.availability?.nodeRestart;
  const silenceMs = preset === undefined ? undefined : silenceOfPreset(preset, undefined);
  if (isForJoined(node)) return agent(facts, node, base, 'started again when its main loop made no round for 30 s (WatchdogSec),');
  const after = silenceMs === undefined ? 'as long as nodeRestart says' : `${silenceMs / 1000} s (nodeRestart ${preset})`;
  return agent(facts, node, base, `started again when it was silent and idle for ${after},`);
}

function agent(facts: ReadinessFacts, node: ClusterNode, base: Pick<Forecast, 'row' | 'subject' | 'failure'>, comesBack: string): Forecast {
  const manages = node === primaryOf(facts) ? ' Until then the cluster is not managed: no repair, no scaling, no change of what runs.' : '';
  if (!isUp(facts, node))
    return {
      ...base,
      verdict: 'Degraded',
      promised: false,
      effect: `Nothing more: ${node.metadata.name} is not up already.`,
      because: `${standing(node)}.`,
      remedy: 'outrigger doctor says what holds it up.',
    };
  if (machineOf(node)?.phase === 'Exited')
    return {
      ...base,
      verdict: 'Degraded',
      promised: false,
      effect: `Nothing more: it does not run already; pods and balancer go on, and nobody restarts what ends.${manages}`,
      because: 'No process of it lives.',
      remedy: 'See that its host daemon runs (outrigger host); it starts the agent.',
    };
  const nobody = whoDoesNotRestart(facts, node);
  if (nobody !== undefined)
    return {
      ...base,
      verdict: 'Degraded',
      promised: facts.cluster.spec.availability?.nodeRestart === 'Off',
      effect: `Its pods and its balancer go on, and nobody restarts what ends after that.${manages}`,
      ...nobody,
    };
  return {
    ...base,
    verdict: 'NoEffect',
    promised: true,
    effect: `Clients notice nothing: pods and balancer go on without it, and it finds them again.${manages}`,
    because: `It is ${comesBack} by ${keeperOf(node)}.`,
  };
}

/** Who starts its agent again. */
function keeperOf(node: ClusterNode): string {
  const machine = machineHolding(node.spec.host);
  if (machine !== undefined) return `the service of ${machine} (systemd; outrigger install agent)`;
  return node.spec.host === undefined ? 'its host' : `host ${node.spec.host}`;
}

/** Why the agent of a node would stay dead; undefined: it is restarted. */
function whoDoesNotRestart(facts: ReadinessFacts, node: ClusterNode): Pick<Forecast, 'because' | 'remedy'> | undefined {
  // No host, so no preset of one: its service restarts it.
  if (isForJoined(node)) return undefined;
  if (facts.cluster.spec.availability?.nodeRestart === 'Off')
    return { because: 'spec.availability.nodeRestart is Off: nothing restarts it.', remedy: 'Set it to High, Medium or Low.' };
  const host = facts.hosts?.find(({ metadata }) => metadata.name === node.spec.host);
  const ready = conditionOf(host?.status?.conditions, 'Ready');
  if (host === undefined || ready?.status !== 'False') return undefined;
  return {
    because: `The daemon of host ${host.metadata.name}, which would restart it, is not ready: ${ready.message}`,
    remedy: `Start it: outrigger host, on ${host.metadata.name}.`,
  };
}

/** None where nothing is balanced. */
function balancer(facts: ReadinessFacts, node: ClusterNode): readonly Forecast[] {
  const balanced = standingsOf(facts).filter((one) => one.balanced !== false && one.mode === 'Replicated');
  if (balanced.length === 0) return [];
  const { name } = node.metadata;
  const base = { row: 'balancer', subject: name, failure: `the balancer of ${name}` } as const;
  const others = membersOf(facts).filter((one) => one !== node && isUp(facts, one) && agentOf(one)?.balancer !== 'Stopped');
  const elsewhere = others.map(({ metadata }) => metadata.name);
  const isDown = !isUp(facts, node) || agentOf(node)?.balancer === 'Stopped';
  const now = isDown
    ? `It is down already: nobody reaches anything through ${name}`
    : `What is open through ${name} breaks, and new connections to it are refused until it is started again, within 1 s`;
  if (elsewhere.length === 0)
    return [
      {
        ...base,
        verdict: 'Outage',
        promised: facts.cluster.spec.workers === 0 && !isDown,
        effect: `${now}; there is no other node to go to.`,
        because: 'No other node is up.',
        remedy:
          facts.cluster.spec.workers === 0 ? 'Ask for a second node: spec.workers 1.' : 'outrigger doctor says what holds the others up.',
      },
    ];
  return [
    {
      ...base,
      verdict: 'Degraded',
      promised: !isDown,
      effect: `${now}; clients of ${together(elsewhere)} notice nothing.`,
      because: 'Each node has its own balancer, which listens for everything.',
      ...(isDown ? { remedy: `outrigger doctor says what holds ${name} up.` } : {}),
    },
  ];
}

function death(facts: ReadinessFacts, node: ClusterNode, isPrimary: boolean): Forecast {
  const { name } = node.metadata;
  const toll = tollOf(facts, [node]);
  const role = isPrimary ? 'primary' : 'worker';
  const already = isUp(facts, node) ? '' : `It is down already. `;
  return {
    row: role,
    subject: name,
    failure: `the ${role} ${name}`,
    ...judged(facts, toll, isPrimary),
    effect: `${already}${serving(toll)}${isPrimary ? headless(facts) : ' The cluster is Degraded until it is back.'}${reach(facts, [node])}`,
    because: `${basis(toll)}${commonFate(facts, node)}${changeNote(facts, node)}`,
    ...remedyOf(facts, toll, node, isPrimary),
  };
}

/** Machines that carry more than one node: their failure is another one than that of a node. */
function machines(facts: ReadinessFacts): readonly Forecast[] {
  const members = membersOf(facts);
  const primary = primaryOf(facts);
  const names = [...new Set(members.flatMap((node) => machineNameOf(facts, node) ?? []))];
  return names.flatMap((machine) => {
    const there = members.filter((node) => machineNameOf(facts, node) === machine);
    if (there.length < 2) return [];
    const toll = tollOf(facts, there);
    const hasPrimary = there.some((node) => node === primary);
    const room = roomElsewhere(facts, machine) ?? [];
    const judgement = judged(facts, toll, hasPrimary);
    return [
      {
        row: 'machine',
        subject: machine,
        failure: `the machine ${machine}`,
        ...judgement,
        // Where there is no other machine, nothing better was asked for than one machine can give.
        promised: judgement.verdict !== 'Outage' || room.length === 0,
        effect: `${together(there.map(({ metadata }) => metadata.name))} die at once. ${serving(toll)}${hasPrimary ? headless(facts) : ''}${reach(facts, there)}`,
        because: `${there.length} nodes of this cluster stand on one machine.`,
        remedy:
          room.length === 0
            ? 'Lend a second machine: outrigger token create --host NAME, and name it in the VirtualDataCenter.'
            : `Have a worker made elsewhere (${together(room)} ha${room.length === 1 ? 's' : 've'} room): outrigger host drain ${there[0]?.spec.host ?? machine}.`,
      } satisfies Forecast,
    ];
  });
}

function reboot(facts: ReadinessFacts, node: ClusterNode, isPrimary: boolean): Forecast {
  const { name } = node.metadata;
  const base = { row: isPrimary ? 'reboot-primary' : 'reboot-worker', subject: name, failure: `reboot of ${name}, no director` } as const;
  const toll = tollOf(facts, [node]);
  const { verdict, promised } = judged(facts, toll, isPrimary);
  const plan = agentOf(node)?.release;
  if (plan === undefined)
    return {
      ...base,
      verdict: 'Unknown',
      promised: false,
      effect: 'Whether it comes back with anything is not known.',
      because: `${name} never said that it has a plan: ${standing(node)}.`,
      remedy: 'Wait until it was ready once.',
    };
  const back = isPrimary ? 'its services and, because its node store says that it is the primary, its singletons' : 'its services';
  return {
    ...base,
    verdict,
    promised,
    effect: `Until its machine is up again: ${serving(toll)} Then it starts ${back}, by itself.`,
    because: `Its node store holds the plan of ${plan}; the machine must start ${isForJoined(node) ? 'the agent' : 'the host daemon'} (systemd).${commonFate(facts, node)}`,
  };
}

/** What is left when some nodes are gone. */
interface Toll {
  readonly known: boolean;
  /** Nodes that are up and stay. */
  readonly left: readonly string[];
  /** Replicated services and singletons of which no ready instance is left. */
  readonly downReplicated: readonly ServiceStanding[];
  readonly downSingletons: readonly ServiceStanding[];
  readonly served: readonly ServiceStanding[];
}

function tollOf(facts: ReadinessFacts, dead: readonly ClusterNode[]): Toll {
  const gone = new Set(dead.map(({ metadata }) => metadata.name));
  const standings = standingsOf(facts);
  const isDown = ({ on }: ServiceStanding): boolean => on.every((name) => gone.has(name));
  return {
    known: standings.length > 0,
    left: membersOf(facts)
      .filter((node) => isUp(facts, node) && !gone.has(node.metadata.name))
      .map(({ metadata }) => metadata.name),
    downReplicated: standings.filter((one) => one.mode === 'Replicated' && isDown(one)),
    downSingletons: standings.filter((one) => one.mode === 'Singleton' && isDown(one)),
    served: standings.filter((one) => !isDown(one)),
  };
}

function judged({ cluster }: ReadinessFacts, toll: Toll, withPrimary: boolean): { verdict: Verdict; promised: boolean } {
  const alone = cluster.spec.workers === 0;
  if (!toll.known) return { verdict: 'Unknown', promised: false };
  if (toll.left.length === 0) return { verdict: 'Outage', promised: alone };
  if (toll.downReplicated.length > 0) return { verdict: 'Outage', promised: false };
  // With failover None singletons stay down with their primary: that is what was asked for.
  const stay = (cluster.spec.availability?.failover ?? 'None') === 'None' && withPrimary;
  return toll.downSingletons.length > 0 ? { verdict: 'Outage', promised: stay } : { verdict: 'Degraded', promised: true };
}

function serving({ known, left, served, downReplicated, downSingletons }: Toll): string {
  if (!known) return 'What this cluster serves is not known here.';
  if (left.length === 0) return 'Nothing of this cluster is served any more.';
  const down = [...downReplicated, ...downSingletons].map(({ name }) => name);
  const replicated = served.filter(({ mode }) => mode === 'Replicated').map(({ name }) => name);
  const goesOn =
    replicated.length === 0 ? 'No replicated service goes on' : `${together(replicated)} go${replicated.length === 1 ? 'es' : ''} on`;
  const where = replicated.length === 0 ? '' : ` on ${together(left)}, with 0 failed requests there`;
  return `${goesOn}${where}${down.length === 0 ? '' : `; ${together(down)} ${down.length === 1 ? 'is' : 'are'} down`}.`;
}

/** What goes with the primary, whatever it runs. */
function headless({ cluster, syncGraceDays }: ReadinessFacts): string {
  const days = syncGraceDays === undefined ? 'its days of grace' : `${syncGraceDays} days of grace`;
  const license = cluster.spec.site === undefined ? '' : `; the license is not synced and holds for ${days}`;
  return ` The cluster is in Error and not managed, its portal answers 503${license}.`;
}

/** By whom the center would still reach the site; said where it reaches it now. */
function reach(facts: ReadinessFacts, dead: readonly ClusterNode[]): string {
  const holders = membersOf(facts).filter((node) => isUp(facts, node) && agentOf(node)?.tunnel !== undefined);
  if (holders.length === 0) return '';
  const left = holders.filter((node) => !dead.includes(node)).map(({ metadata }) => metadata.name);
  return left.length === 0 ? ' The center does not reach the site any more.' : ` The center reaches the site through ${together(left)}.`;
}

function basis({ known, left, downReplicated }: Toll): string {
  if (!known) return 'No release and no status tell which services there are.';
  if (left.length === 0) return 'No other node is up.';
  const down = downReplicated.map(({ name, on }) =>
    on.length === 0 ? `${name} is ready nowhere` : `${name} is ready on ${together(on)} alone`,
  );
  return down.length > 0
    ? `${together(left)} ${left.length === 1 ? 'is' : 'are'} up, but ${down.join(', ')}.`
    : `${together(left)} ${left.length === 1 ? 'is' : 'are'} up, with a ready instance of every replicated service.`;
}

function commonFate(facts: ReadinessFacts, node: ClusterNode): string {
  const machine = machineNameOf(facts, node);
  const others = membersOf(facts).filter((one) => one !== node && machine !== undefined && machineNameOf(facts, one) === machine);
  if (others.length === 0) return '';
  return ` ${together(others.map(({ metadata }) => metadata.name))} ${others.length === 1 ? 'stands' : 'stand'} on the same machine (${machine}) and would share its fate.`;
}

function changeNote({ cluster }: ReadinessFacts, node: ClusterNode): string {
  const progress = cluster.status?.release?.progress;
  if (progress === undefined) return '';
  const { whenNodeDown = 'Wait' } = cluster.spec.upgrade ?? {};
  const stops = cluster.status?.primary === node.metadata.name || whenNodeDown === 'Wait';
  return ` A change is under way (${progress}): it ${stops ? 'waits until this node is back' : 'goes on without this node'}.`;
}

function remedyOf(facts: ReadinessFacts, toll: Toll, node: ClusterNode, isPrimary: boolean): { remedy?: string } {
  const { workers, nodes, availability } = facts.cluster.spec;
  const [down] = toll.downReplicated;
  if (workers === 0) return { remedy: 'Ask for a second node: spec.workers 1.' };
  if (toll.left.length === 0 || down !== undefined)
    return { remedy: 'Get the other nodes ready first: outrigger doctor says what holds them up.' };
  if (isPrimary && availability?.failover === 'Witness')
    return { remedy: 'Do not count on failover Witness: this version of Outrigger does not carry it out.' };
  if (machineOf(node)?.phase === 'Gone') return {};
  if (nodes === 'Joined') return { remedy: 'Should its machine not come back: outrigger node confirm-dead, then join another one.' };
  const room = roomElsewhere(facts, machineNameOf(facts, node));
  if (room === undefined) return {};
  const proof = `once its death is proven (outrigger node confirm-dead ${node.metadata.name})`;
  return room.length > 0
    ? { remedy: `Should its machine not come back, ${together(room)} ha${room.length === 1 ? 's' : 've'} room for it ${proof}.` }
    : { remedy: 'No other machine has room for a replacement: lend one (outrigger token create --host NAME).' };
}
