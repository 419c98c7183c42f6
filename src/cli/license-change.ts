/**
 * `outrigger license sync`, `rotate-key` and `reset-peak`: what a person asks of licenses, and what came of it.
 *
 * I1: a sync is reported as done only when the primary has answered this very request.
 */

import { CLUSTERS, UNIVERSAL_LICENSES } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { isJsonObject } from '../model/json.ts';
import { ANNOTATION_LICENSE_SYNC } from '../model/labels.ts';
import type { UniversalLicense } from '../model/universal-license.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';

export interface Outcome {
  readonly text: string;
  readonly exit: ExitCode;
}

export interface ChangeDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  /** A value that was never used before. */
  readonly unique: () => string;
}

const LOOK_EVERY_MS = 300;
const ROUNDS = 5;

/** Waits at most `deadlineMs` for the primary's answer. */
export async function syncLicense(
  { api, clock, unique }: ChangeDeps,
  namespace: string,
  name: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const request = unique();
  const patch = { metadata: { annotations: { [ANNOTATION_LICENSE_SYNC]: request } } };
  const asked = await api.mergePatch<Cluster>(CLUSTERS, namespace, name, patch, signal);
  if (!asked.ok) throw new Fault('DirectorRefused', `The sync was not asked for: ${asked.message}`);
  if (asked.value.spec.site === undefined)
    return { text: `Cluster ${namespace}/${name} has no site, and licenses are given to sites: name one in spec.site.\n`, exit: 1 };
  const endMs = clock.monotonicMs() + deadlineMs;
  for (let seen = asked.value; clock.monotonicMs() < endMs;) {
    const license = seen.status?.license;
    if (license?.answeredRequest === request) return outcomeOf(seen, namespace);
    await clock.sleep(LOOK_EVERY_MS, signal);
    const looked = await api.get<Cluster>(CLUSTERS, namespace, name, signal);
    if (!looked.ok) throw new Fault('DirectorRefused', `The cluster cannot be read any more: ${looked.message}`);
    seen = looked.value;
  }
  return {
    text: `The primary of ${namespace}/${name} did not answer within ${deadlineMs / 1000} s; see whether it is ready and hears a director (outrigger status). The request stands.\n`,
    exit: 5,
  };
}

function outcomeOf({ metadata, status }: Cluster, namespace: string): Outcome {
  const license = status?.license;
  if (license === undefined) return { text: 'The request was answered, and the license says nothing.\n', exit: 1 };
  if (license.lastError !== undefined) return { text: `The license was not synced: ${license.lastError}\n${license.message}\n`, exit: 1 };
  return {
    text: `${namespace}/${metadata.name} synced license ${license.name ?? ''} at ${license.lastSync ?? ''} (serial ${license.serial ?? 0}). ${license.message}\n`,
    exit: 0,
  };
}

/** Throws `Fault` DirectorRefused. */
export async function rotateKey({ api }: Pick<ChangeDeps, 'api'>, signal: AbortSignal): Promise<Outcome> {
  const answer = await api.post('/outrigger/v1/license/rotate-key', {}, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `No other key was made: ${answer.message}`);
  const named = isJsonObject(answer.value) ? answer.value['key'] : undefined;
  const key = typeof named === 'string' ? named : '';
  const text = `Licenses are signed with key ${key} from now on, by all directors. Sites need nothing: what they hold stays good, and they know the new key by its certificate.\n`;
  return { text, exit: 0 };
}

/** Raises `spec.peakReset`; sites begin to count anew with their next sync. */
export async function resetPeak({ api }: Pick<ChangeDeps, 'api'>, namespace: string, name: string, signal: AbortSignal): Promise<Outcome> {
  for (let round = 0; round < ROUNDS; round++) {
    const read = await api.get<UniversalLicense>(UNIVERSAL_LICENSES, namespace, name, signal);
    if (!read.ok) throw new Fault('DirectorRefused', `There is no UniversalLicense ${namespace}/${name}: ${read.message}`);
    const { metadata, spec } = read.value;
    const peakReset = (spec.peakReset ?? 0) + 1;
    const patch = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { peakReset } };
    const written = await api.mergePatch<UniversalLicense>(UNIVERSAL_LICENSES, namespace, name, patch, signal);
    if (written.ok) return { text: `Sites of ${namespace}/${name} count their peaks anew with their next sync.\n`, exit: 0 };
    if (written.reason !== 'Conflict') throw new Fault('DirectorRefused', `The peaks were not reset: ${written.message}`);
  }
  throw new Fault('Overloaded', `${namespace}/${name} was changed by others at each try; try again.`);
}
