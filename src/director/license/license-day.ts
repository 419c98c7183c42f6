/**
 * License time at the center. In earnest it is the director's wall clock. With `--day` it runs faster, for people to watch: `rate` license milliseconds
 * for each millisecond, from an anchor that all directors of the store share.
 *
 * The anchor is the present date at the moment when `--day` is given anew: another length of the day, or after all directors were gone for a while. (From
 * the birth of the CA it would be no use a day later: at two seconds a day, a day is 118 years.) So contracts that hold today hold when the watching begins.
 *
 * I1: all directors of one store agree on license time as far as their clocks do.
 * I2: certificates are not touched: trusted time is the wall clock, whatever `--day` says.
 */

import { LIMITS } from '../../model/limits.ts';
import type { StoredEntity } from '../../ports/store.ts';
import { SYSTEM_NAMESPACE } from '../auth/identity.ts';
import { createOrRead, replaceObject, secretData, secretKey, secretObject } from '../auth/stored-object.ts';
import type { ObjectMaker } from '../auth/stored-object.ts';

export const EARNEST_DAY_MS = 24 * 3600 * 1000;

const CLOCK_SECRET = 'license-clock';
const PLACE = secretKey(SYSTEM_NAMESPACE, CLOCK_SECRET);

export interface LicenseTime {
  /** License milliseconds for each millisecond. */
  readonly rate: number;
  nowMs(): number;
}

interface Anchor {
  readonly dayMs: number;
  /** At this wall time license time was the same. */
  readonly fromMs: number;
  /** When a director last said that it counts by this anchor. */
  readonly aliveMs: number;
}

/** Keeps the anchor alive until the signal aborts. */
export async function openLicenseTime(parts: ObjectMaker, dayMs: number, signal: AbortSignal): Promise<LicenseTime> {
  const { clock } = parts;
  if (dayMs === EARNEST_DAY_MS) return { rate: 1, nowMs: () => clock.nowMs() };
  const rate = EARNEST_DAY_MS / dayMs;
  let anchor = await agreed(parts, dayMs, signal);
  void keepAlive(parts, dayMs, (next) => (anchor = next), signal);
  return { rate, nowMs: () => Math.round(anchor.fromMs + (clock.nowMs() - anchor.fromMs) * rate) };
}

async function keepAlive(parts: ObjectMaker, dayMs: number, take: (anchor: Anchor) => void, signal: AbortSignal): Promise<void> {
  for (;;) {
    await parts.clock.sleep(LIMITS.fastDayAliveMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    // A store that is away for a while is no reason to change the time.
    const next = await agreed(parts, dayMs, signal).catch(() => undefined);
    if (next !== undefined) take(next);
  }
}

/** The anchor that is stored, said to be alive; or a new one. */
async function agreed(parts: ObjectMaker, dayMs: number, signal: AbortSignal): Promise<Anchor> {
  for (;;) {
    const nowMs = parts.clock.nowMs();
    const fresh = { dayMs, fromMs: nowMs, aliveMs: nowMs };
    const stored = await createOrRead(parts, PLACE, () => secretOf(fresh), signal);
    const anchor = read(stored);
    const goesOn = anchor?.dayMs === dayMs && Math.abs(nowMs - anchor.aliveMs) < LIMITS.fastDayForgottenMs;
    if (goesOn && Math.abs(nowMs - anchor.aliveMs) < LIMITS.fastDayAliveMs / 2) return anchor;
    const next = goesOn ? { ...anchor, aliveMs: nowMs } : fresh;
    const object = { ...stored.object(), data: secretOf(next)['data'] ?? {} };
    const outcome = await replaceObject(parts.store, stored, object, signal);
    if (outcome.ok) return next;
  }
}

function read(secret: StoredEntity): Anchor | undefined {
  const data = secretData(secret.object());
  const [dayMs, fromMs, aliveMs] = ['dayMs', 'fromMs', 'aliveMs'].map((name) => Number(data.get(name) ?? Number.NaN));
  if (dayMs === undefined || fromMs === undefined || aliveMs === undefined || Number.isNaN(dayMs + fromMs + aliveMs)) return undefined;
  return { dayMs, fromMs, aliveMs };
}

function secretOf({ dayMs, fromMs, aliveMs }: Anchor): ReturnType<typeof secretObject> {
  const data = { dayMs: String(dayMs), fromMs: String(fromMs), aliveMs: String(aliveMs) };
  return secretObject(SYSTEM_NAMESPACE, CLOCK_SECRET, 'Opaque', data);
}
