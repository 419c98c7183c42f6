/**
 * Renews the Leases of many nodes, each once in 60 s ± 10 %, by plain writes over one connection: `node bench/standing/renew/main.ts`, its options as
 * one JSON object on standard input. Twenty thousand agents with a connection each would cost this machine more than all that is measured.
 *
 * Each second it tells its parent how many renewals were answered so far; it ends with it.
 */

import { text } from 'node:stream/consumers';

import { LEASES } from '../../../src/model/core-kinds.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { directorApi } from '../../../src/platform/api-client.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import type { DirectorOptions } from '../../../src/ports/director.ts';
import type { RenewedLease } from '../plant.ts';

export interface RenewOptions {
  readonly directors: readonly string[];
  readonly identity: DirectorOptions['identity'];
  readonly leases: readonly RenewedLease[];
}

const CALL_MS = 30_000;
const JITTER = 0.1;
const LOOK_MS = 20;

const { directors, identity, leases } = JSON.parse(await text(process.stdin)) as RenewOptions;
const api = directorApi({ directors, identity, era: undefined }, systemRandom());
let answered = 0;

async function renew({ namespace, name, holder }: RenewedLease): Promise<void> {
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: holder, leaseDurationSeconds: (3 * LIMITS.nodeLeaseRenewMs) / 1000, renewTime };
  const answer = await api.mergePatch(LEASES, namespace, name, { spec }, AbortSignal.timeout(CALL_MS)).catch(() => undefined);
  if (answer?.ok === true) answered += 1;
}

process.once('disconnect', () => process.exit(0));
setInterval(() => process.send?.(answered), 1_000);
// Spread as agents are that were started at any time.
const due = leases.map((lease) => ({ lease, atMs: performance.now() + Math.random() * LIMITS.nodeLeaseRenewMs }));
setInterval(() => {
  const nowMs = performance.now();
  for (const one of due) {
    if (one.atMs > nowMs) continue;
    one.atMs = nowMs + LIMITS.nodeLeaseRenewMs * (1 - JITTER + 2 * JITTER * Math.random());
    void renew(one.lease);
  }
}, LOOK_MS);
