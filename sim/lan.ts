/**
 * The network of a site: words that nodes of a cluster say of themselves, and calls between them. It needs no director, is never forged, and can be cut.
 */

import type { PeerAnswer, PeerLink, PeerRequest } from '../src/agent/peer-link.ts';
import type { AgentStatus } from '../src/decide/agent-duty.ts';
import type { FrameworkMember } from '../src/model/framework.ts';
import { Fault } from '../src/model/fault.ts';
import type { LanPort, Machine } from './machine-state.ts';
import { later } from './process.ts';
import type { Life } from './process.ts';
import type { World } from './world.ts';

/** Longest that a word or a call takes where nothing is cut. */
const SLOWEST_MS = 2_000;

/** Whether `one` hears `other` now: both agents run, and nothing is cut between them. */
export function isHeard(world: World, one: Machine, other: Machine): boolean {
  return [one, other].every((machine) => machine.isAlive && isUp(world, machine) && !isCut(world, machine));
}

/** Whether what runs on `other` answers `one`: nothing is cut between them. */
export function canReach(world: World, one: Machine, other: Machine): boolean {
  return one.isAlive && other.isAlive && !isCut(world, one) && !isCut(world, other);
}

function isUp(world: World, { agent }: Machine): boolean {
  return agent.life !== undefined && agent.pausedUntilMs <= world.scheduler.nowMs();
}

function isCut(world: World, { agent }: Machine): boolean {
  return (world.faults.lanCutUntilMs.get(agent.name) ?? 0) > world.scheduler.nowMs();
}

export function siblings(world: World, machine: Machine): readonly Machine[] {
  return world.machines.filter((other) => other !== machine && other.isAlive && other.clusterUid === machine.clusterUid);
}

/** Heartbeats repeat: a word that is cut off is said again a little later, until a newer one takes its place. */
export function say(world: World, machine: Machine, life: Life, word: AgentStatus): void {
  if (machine.lan === undefined) return;
  machine.lan.word = word;
  for (const other of siblings(world, machine)) tell(world, machine, life, other, word);
}

function tell(world: World, machine: Machine, life: Life, other: Machine, word: AgentStatus): void {
  later(life, delayMs(life), () => {
    if (machine.lan?.word !== word || !other.isAlive) return;
    if (isHeard(world, machine, other) && other.lan !== undefined) other.lan.hear(machine, word);
    else later(life, SLOWEST_MS, () => tell(world, machine, life, other, word));
  });
}

/** Who has just started hears everybody who is heard. */
export function listen(world: World, machine: Machine): void {
  for (const other of siblings(world, machine)) {
    const { life } = other.agent;
    const word = other.lan?.word;
    if (life !== undefined && word !== undefined) tell(world, other, life, machine, word);
  }
}

/** Calls as one life of an agent makes them. */
export function peersOf(
  world: World,
  machine: Machine,
  life: Life,
  self: FrameworkMember,
  port: LanPort,
): Pick<PeerLink, 'route' | 'call'> {
  return {
    route: (method, path, route) => void port.routes.set(`${method} ${path}`, route),
    call: (member, request) =>
      new Promise((resolve, reject) => {
        const fail = (): void => {
          world.scheduler.touch();
          reject(new Fault('PeerUnreachable', `${member.name} did not answer.`));
        };
        later(life, delayMs(life), () => {
          const other = world.machines.find((one) => one.nodeUid === member.uid && one.incarnation === member.incarnation && one.isAlive);
          if (other?.lan === undefined || !isHeard(world, machine, other)) return void later(life, SLOWEST_MS, fail);
          void answered(other.lan, self, request, life.controller.signal).then((answer) => {
            const arrive = (): void => {
              if (!isHeard(world, machine, other)) return fail();
              world.scheduler.touch();
              const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
              resolve({ status: answer.status, body });
            };
            later(life, delayMs(life), arrive);
          }, reject);
          world.scheduler.touch();
        });
      }),
  };
}

async function answered(port: LanPort, from: FrameworkMember, request: PeerRequest, signal: AbortSignal): Promise<PeerAnswer> {
  const url = new URL(request.path, 'https://node');
  const route = port.routes.get(`${request.method} ${url.pathname}`);
  if (route === undefined) return { status: 404, body: '' };
  return await route({ from, query: url.searchParams, body: Buffer.from(request.body ?? '') }, signal);
}

function delayMs({ process }: Life): number {
  return process.dice.chance(0.1) ? process.dice.between(200, SLOWEST_MS) : process.dice.between(1, 200);
}
