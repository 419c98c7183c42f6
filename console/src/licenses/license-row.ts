/**
 * A license as it is shown: how much of it is used, the most that ever was, and how long it still runs. Pure.
 */

import type { UniversalLicense } from '../../../src/model/universal-license.ts';
import { keyOf } from '../watch/live-set.ts';
import type { ListRow } from '../table/list-view.ts';

export const STANDINGS = ['Overused', 'Ended', 'In grace', 'Not begun', 'Runs'] as const;
export type Standing = (typeof STANDINGS)[number];

export interface LicenseRow extends ListRow {
  readonly namespace: string;
  readonly name: string;
  readonly edition: string;
  readonly model: string;
  readonly seats: number;
  readonly current: number;
  readonly peak: number;
  readonly sites: number;
  readonly standing: Standing;
  /** Wall time. */
  readonly endMs: number;
}

const DAY_MS = 86_400_000;

/** `nowMs`: wall time, of a day's exactness. */
export function licenseRow(license: UniversalLicense, nowMs: number): LicenseRow {
  const { metadata, spec, status = {} } = license;
  const { name, namespace = '' } = metadata;
  const standing = standingOf(license, nowMs);
  return {
    key: keyOf(license),
    namespace,
    name,
    edition: spec.edition,
    model: spec.model,
    seats: spec.seats,
    current: status.use?.current ?? 0,
    peak: status.use?.peak ?? 0,
    sites: Object.keys(status.sites ?? {}).length,
    standing,
    endMs: Date.parse(spec.end),
    searched: `${namespace}/${name} ${spec.edition} ${spec.model} ${standing}`.toLowerCase(),
  };
}

export function standingOf({ spec, status }: UniversalLicense, nowMs: number): Standing {
  const endMs = Date.parse(spec.end);
  if (nowMs >= endMs + spec.contractGraceDays * DAY_MS) return 'Ended';
  if (nowMs >= endMs) return 'In grace';
  if (status?.use?.overused === true) return 'Overused';
  return nowMs < Date.parse(spec.start) ? 'Not begun' : 'Runs';
}
