/**
 * `outrigger balancer --dir DIR`: the balancer of one node, composed. Started by the node's agent.
 *
 * It parses its one option by itself: the library for that would cost more memory than the balancer's own code.
 */

import { runBalancerRole, STATUS_RECORD, TABLE_RECORD } from '../agent/balancer-role.ts';
import type { ExitCode } from '../model/fault.ts';
import { Fault } from '../model/fault.ts';
import { systemClock } from '../platform/clock.ts';
import { writeDurably } from '../platform/durable-file.ts';
import { systemFiles } from '../platform/files.ts';
import { lineLog } from '../platform/line-log.ts';
import { nameLocks } from '../platform/name-lock.ts';
import { encodeRecord } from '../platform/node-store.ts';
import { haproxy } from '../platform/haproxy.ts';
import { endHaproxies, installedHaproxy } from '../platform/haproxy-process.ts';
import { relay } from '../platform/relay.ts';
import { systemProcesses } from '../platform/spawn.ts';
import { tcpHandles } from '../platform/tcp-handle.ts';
import { watchRecord } from '../platform/watched-record.ts';
import type { Balancer } from '../ports/balancer.ts';
import type { Log } from '../ports/log.ts';
import type { NodeRoleOptions } from './node-role-options.ts';

/** Balances until the signal aborts. Throws `Fault` AlreadyRunning when this node's balancer runs. */
export async function runBalancer(options: NodeRoleOptions, signal: AbortSignal): Promise<ExitCode> {
  const { dir } = options;
  const files = systemFiles();
  const locks = nameLocks();
  if (!files.exists(dir)) throw new Fault('UsageWrong', `There is no folder ${dir}; give the node's folder with --dir.`);
  const lock = await locks.hold(`balancer/${locks.nameOfFolder(dir)}`);
  if (lock === undefined) throw new Fault('AlreadyRunning', `The balancer of ${dir} runs already.`);
  const log = lineLog('balancer');
  await runBalancerRole(
    {
      balancer: await balancerOf(options, log),
      // A reboot makes it worthless: no need to wait for the disk.
      writeStatus: (status) => writeDurably(`${dir}/${STATUS_RECORD}.json`, encodeRecord(status), { sync: false }),
      folderExists: () => files.exists(dir),
      watchTable: (onRead, stop) => watchRecord(`${dir}/${TABLE_RECORD}.json`, onRead, stop),
      self: systemProcesses().self(),
      clock: systemClock(),
      log,
    },
    signal,
  );
  log.info('The balancer ends.');
  lock.release();
  return 0;
}

/** Throws `Fault` ProgramMissing when HAProxy is asked for and not installed. */
async function balancerOf({ dir, balancer }: NodeRoleOptions, log: Log): Promise<Balancer> {
  const program = balancer === 'relay' ? undefined : installedHaproxy();
  if (program !== undefined) return haproxy(program, dir, log);
  if (balancer === 'haproxy')
    throw new Fault(
      'ProgramMissing',
      'HAProxy 2.4 or later is not installed; install it (apt-get install haproxy), or ask for --balancer relay.',
    );
  // One that a former life of this balancer left holds the ports.
  await endHaproxies(dir);
  return relay(log, tcpHandles());
}
