/**
 * A fault point for tests: an extension server that dies right before or right after its N-th write, as a crash or a power failure would have it.
 *
 * I1: only writes of the workflow count (Clusters, ClusterNodes, VirtualDataCenters, Sites): not Leases and Events.
 * I2: `after`: the write has been answered, and nobody here learns of it. `before`: it has not left.
 * I3: without OUTRIGGER_TEST_FAULTS the variable refuses the start: nobody sets such a thing by accident.
 */

import { EVENTS, LEASES } from '../model/core-kinds.ts';
import type { ResourceAddress } from '../model/core-kinds.ts';
import { Fault } from '../model/fault.ts';
import type { EntityApi } from '../ports/api.ts';

export interface FaultPoint {
  /** 1 is the first write. */
  readonly write: number;
  readonly when: 'before' | 'after';
}

/** What OUTRIGGER_TEST_FAULTS must say. */
export const TEST_FAULTS_ALLOWED = 'this-process-was-started-by-a-test';

/** What the environment asks for: `3` or `3:before`; undefined: nothing. Throws `Fault` SettingInvalid for what must not be. */
export function faultPointOf(environment: Readonly<Record<string, string | undefined>>): FaultPoint | undefined {
  const text = environment['OUTRIGGER_FAULT_AFTER_WRITE'] ?? '';
  if (text === '') return undefined;
  if (environment['OUTRIGGER_TEST_FAULTS'] !== TEST_FAULTS_ALLOWED) {
    throw new Fault(
      'SettingInvalid',
      'The variable OUTRIGGER_FAULT_AFTER_WRITE makes an extension server kill itself and is for the tests of Outrigger alone; take it out of the environment.',
    );
  }
  const [, write, when = 'after'] = /^([1-9]\d{0,5})(?::(before|after))?$/.exec(text) ?? [];
  if (write === undefined) throw new Fault('SettingInvalid', `OUTRIGGER_FAULT_AFTER_WRITE must be such as 3 or 3:before, not ${text}.`);
  return { write: Number(write), when: when === 'before' ? 'before' : 'after' };
}

/** `api`, by which `die` is called at the fault point; told which write that is. `die` must not return. */
export function withFaultPoint(api: EntityApi, point: FaultPoint, die: (what: string) => never): EntityApi {
  return counting(api, { count: 0 }, point, die);
}

/** `writes`: of this API and all that are traced by it. */
function counting(api: EntityApi, writes: { count: number }, point: FaultPoint, die: (what: string) => never): EntityApi {
  const write = async <A>(verb: string, address: ResourceAddress, name: string, call: () => Promise<A>): Promise<A> => {
    if (address.plural === EVENTS.plural || address.plural === LEASES.plural) return call();
    writes.count += 1;
    const isHere = writes.count === point.write;
    const what = `${verb} ${address.kind} ${name}`;
    if (isHere && point.when === 'before') die(what);
    const answer = await call();
    if (isHere) die(what);
    return answer;
  };
  const nameOf = (object: object): string => (object as { metadata?: { name?: string } }).metadata?.name ?? '';
  return {
    ...api,
    ...(api.traced === undefined ? {} : { traced: (parent: string) => counting(api.traced?.(parent) ?? api, writes, point, die) }),
    create: (address, namespace, object, signal) =>
      write('create', address, nameOf(object), () => api.create(address, namespace, object, signal)),
    replace: (address, namespace, name, object, signal, subresource) =>
      write('replace', address, name, () => api.replace(address, namespace, name, object, signal, subresource)),
    mergePatch: (address, namespace, name, patch, signal, subresource) =>
      write(
        `patch ${Object.keys(patch)
          .filter((key) => key === 'spec' || key === 'status')
          .join(' ')}`.trim(),
        address,
        name,
        () => api.mergePatch(address, namespace, name, patch, signal, subresource),
      ),
    delete: (address, namespace, name, preconditions, signal) =>
      write('delete', address, name, () => api.delete(address, namespace, name, preconditions, signal)),
  };
}
