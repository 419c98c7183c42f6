/**
 * The balancer's process: obeys the table that the agent leaves in a file, and tells in another what it does.
 *
 * It has no connection to the agent, so that neither notices when the other is killed, hangs or is replaced.
 *
 * I1: the last good table holds until there is a newer good one; a damaged or missing file changes nothing.
 * I2: its status is written when it changed: at once when it is about listening or the table, else at most once a second.
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
/** The folder is looked for this often in a row before the process believes that it is gone. */
const GONE_AFTER_LOOKS = 5;

/** Serves until the signal aborts or the folder is gone. */
export async function runBalancerRole(deps: BalancerRoleDeps, signal: AbortSignal): Promise<void> {
  let table: string | undefined;
  let message: string | undefined;
  let hurry = Promise.withResolvers<void>();
  const urgent = (): void => hurry.resolve();
  deps.balancer.onListening(urgent);
  deps.watchTable((read) => {
    if (signal.aborted) return;
    const next = read.state === 'found' ? tableOf(read.body) : undefined;
    const problem = next === undefined ? problemOf(read) : undefined;
    // That there is none yet is how every balancer begins.
    const isNews = problem !== message && (table !== undefined || read.state !== 'absent');
    if (problem !== undefined && isNews) deps.log.warn(`${problem} The table before it holds.`);
    if (problem !== message) urgent();
    message = problem;
    if (next === undefined || shortHash(next) === table) return;
    table = shortHash(next);
    deps.balancer.apply(next);
    urgent();
    deps.log.info('Obeys a new table.', { services: next.services.map((one) => `${one.name}:${one.port} ${one.endpoints.length}`) });
  }, signal);
  const statusNow = (): BalancerStatus => ({
    process: deps.self,
    ...(table === undefined ? {} : { table }),
    ...(message === undefined ? {} : { message }),
    listeners: deps.balancer.listeners(),
  });
  const nextLook = async (): Promise<void> => {
    await Promise.race([hurry.promise, deps.clock.sleep(STATUS_EVERY_MS, signal).catch(() => undefined)]);
    hurry = Promise.withResolvers<void>();
  };
  await reportForever(deps, statusNow, nextLook, signal);
  await deps.balancer.close();
}

function problemOf(read: RecordRead<JsonObject>): string {
  if (read.state === 'damaged') return read.message;
  return read.state === 'absent' ? 'There is no balancer.json.' : 'balancer.json is not a table of this version.';
}

async function reportForever(
  deps: BalancerRoleDeps,
  statusNow: () => BalancerStatus,
  nextLook: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let written = '';
  let missing = 0;
  while (!signal.aborted && missing < GONE_AFTER_LOOKS) {
    await nextLook();
    missing = deps.folderExists() ? 0 : missing + 1;
    const status = statusNow();
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
