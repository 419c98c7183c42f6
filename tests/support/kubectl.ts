/**
 * Where the tests' kubectl binaries are. Unpacked on first use, so that a single test file can be run without `npm test`.
 */
import { ensureKubectl } from '../../tools/setup/kubectl.mjs';

/** The minors that tests run against: the oldest and the newest supported. */
export type KubectlMinor = '32' | '35';

export const KUBECTL_MINORS: readonly KubectlMinor[] = ['32', '35'];

/** Absolute path of kubectl 1.`minor`. Throws with a sentence when it cannot be unpacked. */
export function kubectlPath(minor: KubectlMinor = '32'): string {
  return ensureKubectl(minor);
}
