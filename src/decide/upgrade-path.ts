/**
 * Between which releases there is a way.
 *
 * I1: from one release to another there is a way when either names the other's version in spec.upgradesFrom: forward, or back the way that it came.
 */

/** What of a release is looked at. */
export interface ReleasePlace {
  readonly version: string;
  readonly upgradesFrom: readonly string[];
}

export function hasWay(from: ReleasePlace, to: ReleasePlace): boolean {
  return from.version === to.version || to.upgradesFrom.includes(from.version) || from.upgradesFrom.includes(to.version);
}

/** Why a cluster must not go from one release to another, as a sentence; undefined: it may. */
export function upgradeRefusal(from: ReleasePlace, to: ReleasePlace): string | undefined {
  if (hasWay(from, to)) return undefined;
  return `there is no way from release ${from.version} to ${to.version}: neither names the other in spec.upgradesFrom; choose a release between them`;
}

/** Versions that can be reached from `from` in one step, in order. */
export function reachableFrom(from: ReleasePlace, all: readonly ReleasePlace[]): readonly string[] {
  const reached = all.filter((one) => one.version !== from.version && hasWay(from, one)).map(({ version }) => version);
  return [...new Set(reached)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
