/**
 * The balancer's process: obeys the table that the agent leaves in a file, and tells in another what it does.
 *
 * It has no connection to the agent, so that neither notices when the other is killed, hangs or is replaced.
 *
 * I1: the last good table holds until there is a newer good one; a damaged or missing file changes nothing.
 * I2: its status is written at most once a second, and only when it changed.
 * I3: it ends when it is asked to, or when the node's folder is gone for good: then nobody could ever tell it anything again.
 */

import { canonicalJson, shortHash } from '../base/canonical.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Balancer, BalancerStatus, BalancerTable } from '../ports/balancer.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { RecordRead } from '../ports/node-store.ts';
import type { ProcessId } from '../ports/processes.ts';

export const TABLE_RECORD = 'balancer';
export const STATUS_RECORD = 'balancer-status';

export interface BalancerRoleDeps {
  readonly balancer: Balancer;
  /** Replaces `balancer-status.json`. */
  readonly writeStatus: (status: Json) => Promise<void>;
  readonly folderExists: () => boolean;
  /** Calls back with `balancer.json` as it is, and whenever it may have changed. */
  readonly watchTable: (onRead: (read: RecordRead<JsonObject>) => void, signal: AbortSignal) => void;
  readonly self: ProcessId;
  readonly clock: Clock;
  readonly log: Log;
}

const STATUS_EVERY_MS = 1_000;
const FIRST_STATUS_MS = 50;
/** The folder is looked for this often in a row before the process believes that it is gone. */
const GONE_AFTER_LOOKS = 5;

/** Serves until the signal aborts or the folder is gone. */
export async function runBalancerRole(deps: BalancerRoleDeps, signal: AbortSignal): Promise<void> {
  let table: string | undefined;
  let message: string | undefined;
  deps.watchTable((read) => {
    if (signal.aborted) return;
    const next = read.state === 'found' ? tableOf(read.body) : undefined;
    const problem = next === undefined ? problemOf(read) : undefined;
    if (problem !== undefined && problem !== message) deps.log.warn(`${problem} The table before it holds.`);
    message = problem;
    if (next === undefined || shortHash(next) === table) return;
    table = shortHash(next);
    deps.balancer.apply(next);
    deps.log.info('Obeys a new table.', { services: next.services.map((one) => `${one.name}:${one.port} ${one.endpoints.length}`) });
  }, signal);
  await reportForever(deps, () => ({ table, message }), signal);
  await deps.balancer.close();
}

function problemOf(read: RecordRead<JsonObject>): string {
  if (read.state === 'damaged') return read.message;
  return read.state === 'absent' ? 'There is no balancer.json.' : 'balancer.json is not a table of this version.';
}

async function reportForever(
  deps: BalancerRoleDeps,
  read: () => { readonly table: string | undefined; readonly message: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  let written = '';
  let missing = 0;
  let waitMs = FIRST_STATUS_MS;
  while (!signal.aborted && missing < GONE_AFTER_LOOKS) {
    await deps.clock.sleep(waitMs, signal).catch(() => undefined);
    waitMs = STATUS_EVERY_MS;
    missing = deps.folderExists() ? 0 : missing + 1;
    const { table, message } = read();
    const status: BalancerStatus = {
      process: deps.self,
      ...(table === undefined ? {} : { table }),
      ...(message === undefined ? {} : { message }),
      listeners: deps.balancer.listeners(),
    };
    const text = canonicalJson(status);
    if (text === written || missing > 0 || signal.aborted) continue;
    written = text;
    await deps.writeStatus(status as unknown as Json).catch((cause: unknown) => {
      deps.log.warn('The status of the balancer cannot be written; it serves on.', { error: cause });
    });
  }
}

/** The table in a record, as far as it has its shape; undefined: another version wrote it. */
function tableOf(body: JsonObject): BalancerTable | undefined {
  const { address, node, services } = body;
  if (typeof address !== 'string' || typeof node !== 'string' || !Array.isArray(services)) return undefined;
  return services.every(isService) ? (body as unknown as BalancerTable) : undefined;
}

function isService(json: Json): boolean {
  if (!isJsonObject(json) || typeof json['name'] !== 'string' || typeof json['port'] !== 'number') return false;
  const endpoints = json['endpoints'];
  return Array.isArray(endpoints) && endpoints.every((one) => isJsonObject(one) && typeof one['address'] === 'string');
}
