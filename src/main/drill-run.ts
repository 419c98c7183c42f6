/**
 * `outrigger drill-run --dir DIR --drill UID`: the process that carries out a drill at a site, composed. Started by the agent that claimed the
 * drill, and without its memory: it loads no library.
 */

import { DRILLS_FOLDER, drillRecords } from '../agent/drill/records.ts';
import { runDrill } from '../agent/drill/run.ts';
import type { ExitCode } from '../model/fault.ts';
import { Fault } from '../model/fault.ts';
import { certificates } from '../platform/certificate.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { identityStore } from '../platform/identity-store.ts';
import { lineLog } from '../platform/line-log.ts';
import { loadGenerator } from '../platform/load-generator.ts';
import { mutualHttp } from '../platform/mutual-http.ts';
import { nodeStore } from '../platform/node-store.ts';
import { askBySocket } from '../platform/prober.ts';

/** Throws `Fault` UsageWrong when nobody ordered it. */
export async function runDrillProcess(dir: string, uid: string, signal: AbortSignal): Promise<ExitCode> {
  if (!systemFiles().exists(dir)) throw new Fault('UsageWrong', `There is no folder ${dir}; agents start this in the node's folder.`);
  const clock = systemClock();
  await runDrill(
    {
      uid,
      records: drillRecords(nodeStore(`${dir}/${DRILLS_FOLDER}`)),
      clock,
      log: lineLog('drill'),
      loads: loadGenerator(clock),
      answers: async ({ host, port, path }, timeoutMs, until) => (await askBySocket(host, port, path, timeoutMs, until)).ok,
      http: mutualHttp(),
      identity: async () => await identityStore(`${dir}/identity`, certificates()).load(),
    },
    signal,
  );
  return 0;
}
