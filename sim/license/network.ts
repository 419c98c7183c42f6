/**
 * What joins a site's nodes with each other and with the director, and everything that may happen to a message on its way.
 */

import { countRunning } from '../../src/decide/license-clock.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { forge, isGenuine, sign, tamper } from './director.ts';
import type { Token } from './director.ts';
import { countLedger, missingServices, readingOf } from './machine.ts';
import { count, isFaulty, trueMs } from './world.ts';
import type { Agent, SimNode, World } from './world.ts';

/** A request and its answer; well below the lead of a sync at any rate. */
const MOST_LATENCY_MS = 150;

type Fate = 'Well' | 'LostRequest' | 'LostAnswer' | 'Late' | 'Twice' | 'Replayed' | 'Tampered' | 'Forged' | 'Foreign';
const MISHAPS: readonly Fate[] = ['LostRequest', 'LostAnswer', 'Late', 'Twice', 'Replayed', 'Tampered', 'Forged', 'Foreign'];

export function askDirector(world: World, node: SimNode, agent: Agent, request: number): void {
  const { scheduler, dice } = world;
  const isWell = (): boolean => node.agent === agent;
  const fail = (message: string): void => {
    scheduler.after(10, () => isWell() && world.send(node, { kind: 'SyncFailed', request, message }));
  };
  const fate = fateOf(world);
  count(world, `sync ${fate}`);
  if (missingServices(world).length > 0) return fail('A framework service is gone.');
  if (isFaulty(world, 'director') || isFaulty(world, 'internet'))
    return dice.chance(0.5) ? fail('The director cannot be reached.') : undefined;
  if (fate === 'LostRequest') return undefined;
  scheduler.after(latency(world), () => {
    const answer = sign(world.director, fate === 'Foreign' ? 'site-of-others' : (world.siteUid ?? 'none'), scheduler.nowMs());
    if (!answer.ok) return fail(answer.message);
    if (fate === 'LostAnswer') return undefined;
    const token = altered(world, node, fate, answer.token);
    const lateMs = fate === 'Late' ? LIMITS.licenseAnswerMs + dice.float() * trueMs(world, 40) : latency(world);
    const arrive = (): void => {
      if (isWell()) receive(world, node, request, token);
    };
    scheduler.after(lateMs, arrive);
    if (fate === 'Twice') scheduler.after(lateMs + dice.float() * trueMs(world, 20), arrive);
    return undefined;
  });
}

/** The shell's part: what is not genuine never reaches the machine. */
function receive(world: World, node: SimNode, request: number, token: Token): void {
  if (!isGenuine(world.director, token))
    return world.send(node, { kind: 'SyncFailed', request, message: 'The license that came is not signed by our director.' });
  return world.send(node, { kind: 'SyncSucceeded', request, token: String(token.statement.serial), statement: token.statement });
}

function fateOf(world: World): Fate {
  if (isFaulty(world, 'calm')) return 'Well';
  return world.dice.chance(isFaulty(world, 'hostile') ? 0.8 : 0.02) ? world.dice.pick(MISHAPS) : 'Well';
}

/** What was used before is all that can be sent again: an answer that never arrived was sealed by TLS (limits: universal-license.md). */
function altered(world: World, node: SimNode, fate: Fate, token: Token): Token {
  const held = node.agent?.keeper.record?.statement.serial;
  if (fate === 'Replayed' && held !== undefined) {
    const old = world.director.issued.slice(-20).filter(({ statement }) => statement.serial <= held);
    return old.length === 0 ? tamper(token) : world.dice.pick(old);
  }
  if (fate === 'Tampered') return tamper(token);
  return fate === 'Forged' ? forge(token) : token;
}

function latency(world: World): number {
  return 5 + world.dice.float() * MOST_LATENCY_MS;
}

/** What `node` holds goes to the other one, counted up to now. */
export function tellPeer(world: World, node: SimNode): void {
  const { agent } = node;
  const record = agent?.keeper.record;
  const other = world.nodes[1 - node.index];
  if (agent?.ledger === undefined || record === undefined || other === undefined || isFaulty(world, 'link')) return;
  const sent = { ...record, since: countRunning(record.since, readingOf(world, node)) };
  const ledger = countLedger(world, node, agent.ledger);
  world.scheduler.after(latency(world), () => {
    if (other.agent !== undefined && !isFaulty(world, 'link')) world.send(other, { kind: 'PeerRecord', record: sent }, ledger);
  });
}

/** Each node tells the other every `storeMs`, and notes since when they are joined. */
export function startExchange(world: World): void {
  const isJoined = !isFaulty(world, 'link') && world.nodes.every((node) => node.agent !== undefined);
  if (isJoined) world.joinedSinceMs ??= world.scheduler.nowMs();
  else world.joinedSinceMs = undefined;
  for (const node of world.nodes) tellPeer(world, node);
  world.scheduler.after(world.storeMs, () => startExchange(world));
}
