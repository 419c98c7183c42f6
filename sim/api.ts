/**
 * The simulated way to the director: requests and answers that are lost, slow and overtake each other; a store that stalls and answers after the
 * caller left.
 */

import type { Json, JsonObject } from '../src/model/json.ts';
import { Fault } from '../src/model/fault.ts';
import type { Site } from '../src/model/site.ts';
import type { ResourceAddress } from '../src/model/core-kinds.ts';
import type { Answer, EntityApi, Listed } from '../src/ports/api.ts';
import { crash, later } from './process.ts';
import type { InFlight, Life, Process } from './process.ts';
import { cutLeftMs, isLagging, weatherOf } from './faults.ts';
import { nameOfWrite } from './names.ts';
import { spring } from './traps.ts';
import type { World } from './world.ts';
import { violate } from './world.ts';

/** A caller waits this long (LIMITS.writeDeadlineMs). */
const CALL_DEADLINE_MS = 10_000;

/** The API as one life of a process sees it. Calls of a life that is over are never answered. */
export function simulatedApi(world: World, life: Life): EntityApi {
  const writer = life.process.name;
  const call = <T>(what: string | undefined, work: () => Answer<T>): Promise<Answer<T>> => send(world, life, what, work);
  return {
    get: <T>(address: ResourceAddress<T>, namespace: string, name: string) =>
      call<T>(undefined, () => {
        const found = world.store.get(address.plural, namespace, name);
        return found === undefined ? { ok: false, reason: 'NotFound', message: `${name} not found` } : { ok: true, value: found as T };
      }),
    list: <T>(address: ResourceAddress<T>, selection: Selection) =>
      call<Listed<T>>(undefined, () => ({ ok: true, value: listed<T>(world, address.plural, selection) })),
    create: <T>(address: ResourceAddress<T>, namespace: string, object: object) =>
      call(
        nameOfWrite({ verb: 'create', plural: address.plural }, writer),
        () => world.store.create(writer, address.plural, namespace, object) as Answer<T>,
      ),
    mergePatch: <T>(
      address: ResourceAddress<T>,
      namespace: string,
      name: string,
      patch: JsonObject,
      _: AbortSignal,
      subresource?: 'status',
    ) => {
      const what = nameOfWrite({ verb: 'patch', plural: address.plural, patch }, writer);
      requireGuard(world, writer, what, patch);
      return call(what, () => world.store.mergePatch(writer, address.plural, namespace, name, patch, subresource) as Answer<T>);
    },
    delete: (address, namespace, name, preconditions) => {
      if (preconditions.uid === undefined || preconditions.resourceVersion === undefined)
        violate(world, `${writer} deletes ${name} without uid and revision`);
      return call(nameOfWrite({ verb: 'delete', plural: address.plural }, writer), () =>
        world.store.remove(writer, address.plural, namespace, name, preconditions),
      );
    },
    replace: () => Promise.reject(new Fault('UsageWrong', 'nobody replaces')),
    watch: () => Promise.reject(new Fault('UsageWrong', 'caches are simulated')),
    post: (path: string, body: Json) => call(undefined, () => answerOwnPath(world, path, body)),
  };
}

type Selection = { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string };

function listed<T>(world: World, plural: string, selection: Selection): Listed<T> {
  const [label, value] = (selection.labelSelector ?? '').split('=');
  const [field, wanted] = (selection.fieldSelector ?? '').split('=');
  if (field !== '' && field !== 'status.cluster.uid') violate(world, `nobody selects by ${field} here`);
  const items = world.store.list(plural).filter((object) => {
    if (selection.namespace !== undefined && object.metadata.namespace !== selection.namespace) return false;
    if (wanted !== undefined && (object.status as Site['status'])?.cluster?.uid !== wanted) return false;
    return label === undefined || label === '' || object.metadata.labels?.[label] === value;
  });
  return { items: items as T[], resourceVersion: String(world.store.revision()) };
}

/** A join is refused unless the node is there, in that very incarnation. */
function answerOwnPath(world: World, path: string, body: Json): Answer<Json> {
  const { namespace, node, uid, incarnation } = body as { namespace: string; node: string; uid: string; incarnation: number };
  const found = world.store.get('clusternodes', namespace, node);
  const spec = found?.spec as { incarnation: number } | undefined;
  const isWelcome =
    path === '/outrigger/v1/join' &&
    found?.metadata.uid === uid &&
    spec?.incarnation === incarnation &&
    found.metadata.deletionTimestamp === undefined;
  return isWelcome ? { ok: true, value: {} } : { ok: false, reason: 'Forbidden', message: 'the token is for no node that is' };
}

/** Everything that servers write about existing entities, and all that is written about Sites, must name the state that it was decided on. */
function requireGuard(world: World, writer: string, what: string, patch: JsonObject): void {
  const isBound = writer.startsWith('server') || what.endsWith('Site');
  if (!isBound || what === 'other') return;
  const metadata = patch['metadata'] as JsonObject | undefined;
  if (metadata?.['uid'] === undefined || metadata['resourceVersion'] === undefined)
    violate(world, `${writer} does ${what} without uid and revision`);
}

function send<T>(world: World, life: Life, what: string | undefined, work: () => Answer<T>): Promise<Answer<T>> {
  const { scheduler, faults } = world;
  const { process } = life;
  const flight: InFlight = { what: what ?? 'read', hits: new Set() };
  process.inFlight.add(flight);
  const sprung = spring(world, process, what);
  const dies = deathAt(world, process, what);
  if (dies === 'before') return NEVER;
  if (isLagging(faults, process.name, scheduler.nowMs())) flight.hits.add('lag');
  return new Promise((resolve, reject) => {
    let isOpen = true;
    let callOff = (): void => undefined;
    const close = (end: () => void): void => {
      if (!isOpen) return;
      isOpen = false;
      callOff();
      process.inFlight.delete(flight);
      scheduler.touch();
      end();
    };
    const giveUp = (): void =>
      reject(new Fault('DirectorUnreachable', 'The director did not answer in time; what was asked may have happened.'));
    callOff = later(life, CALL_DEADLINE_MS, () => close(giveUp));
    const answered = (answer: Answer<T>): void => {
      note(world, flight, what);
      if (dies === 'after') die(world, process);
      const lost = (): void => void flight.hits.add('lostAnswer');
      if (sprung.fault === 'lostAnswer') lost();
      else travel(world, life, lost, (delayMs) => void later(life, delayMs, () => close(() => resolve(answer))));
    };
    const lost = (): void => note(world, flight, what, 'lostRequest');
    const delivered = (delayMs: number): void => {
      const lateMs = sprung.fault === 'late' ? CALL_DEADLINE_MS + process.dice.between(1_000, 150_000) : 0;
      scheduler.after(sprung.departMs + delayMs + lateMs, () => arrive(world, flight, () => isOpen, work, answered));
    };
    if (sprung.fault === 'lostRequest') lost();
    else travel(world, life, lost, delivered);
  });
}

const NEVER = new Promise<never>(() => undefined);

/** Whether `process` dies at this write; before it is sent, it is dead at once. */
function deathAt(world: World, process: Process, what: string | undefined): 'before' | 'after' | undefined {
  const { deaths } = world;
  if (deaths?.process !== process || what === undefined || what === 'other') return undefined;
  deaths.writes.push(what);
  if (deaths.writes.length !== deaths.write) return undefined;
  if (deaths.when === 'before') die(world, process);
  return deaths.when;
}

function die(world: World, process: Process): void {
  world.trace(`DEATH of ${process.name}`);
  crash(process);
  world.crashed(process);
}

/** At the store: it may stall, and does what was asked even when nobody waits any more. */
function arrive<T>(
  world: World,
  flight: InFlight,
  isOpen: () => boolean,
  work: () => Answer<T>,
  answered: (answer: Answer<T>) => void,
): void {
  const { scheduler, faults } = world;
  const stallMs = faults.stallUntilMs - scheduler.nowMs();
  if (stallMs > 0) {
    flight.hits.add('stall');
    scheduler.after(stallMs + 5, () => arrive(world, flight, isOpen, work, answered));
    return;
  }
  if (!isOpen()) flight.hits.add('late');
  const answer = work();
  if (!answer.ok && answer.reason === 'Conflict') flight.hits.add('conflict');
  answered(answer);
}

/** One way of a message: lost, or delivered after some ms. */
function travel(world: World, life: Life, lost: () => void, delivered: (delayMs: number) => void): void {
  const { dice, name } = life.process;
  const nowMs = world.scheduler.nowMs();
  const weather = weatherOf(world.faults, name, nowMs);
  if (cutLeftMs(world.faults, name, nowMs) > 0 || dice.chance(weather.lossShare)) {
    lost();
    return;
  }
  delivered(dice.chance(weather.slowShare) ? dice.between(1, weather.slowMs) : dice.between(1, 4));
}

function note(world: World, flight: InFlight, what: string | undefined, more?: string): void {
  if (more !== undefined) flight.hits.add(more);
  if (what !== undefined) world.scheduler.after(CALL_DEADLINE_MS, () => world.coverage.note(what, flight.hits));
}
