/**
 * `outrigger service NAME`: one of Outrigger's own services at a site, composed. It runs as a pod of the release (`framework` in its service), with the
 * node's folder in OUTRIGGER_NODE_FOLDER.
 *
 * Each service has a file of its own here that composes what only it needs, loaded only for it: every node runs all of them, so their memory counts.
 */

import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { FRAMEWORK_FOLDER } from '../model/framework.ts';
import type { FrameworkService } from '../model/framework.ts';
import { certificates } from '../platform/certificate.ts';
import { systemClock } from '../platform/clock.ts';
import { lineLog } from '../platform/line-log.ts';
import { judgeCertificate } from '../platform/mutual-http.ts';
import { nodeStore } from '../platform/node-store.ts';
import { bootId } from '../platform/process-id.ts';
import { systemRandom } from '../platform/random.ts';
import { watchRecord } from '../platform/watched-record.ts';
import { openFramework } from '../services/framework.ts';
import type { ServiceBase } from './service-base.ts';

type RunService = (base: ServiceBase, signal: AbortSignal) => Promise<void>;

const SERVICES: Readonly<Partial<Record<FrameworkService, () => Promise<RunService>>>> = {
  'connector-client': async () => (await import('./service-connector-client.ts')).runConnectorClientService,
  'cloud-proxy': async () => (await import('./service-cloud-proxy.ts')).runCloudProxyService,
  'connection-server-proxy': async () => (await import('./service-connection-server-proxy.ts')).runConnectionServerProxyService,
  monitor: async () => (await import('./service-monitor.ts')).runMonitorService,
};

/** Loads a service; what it gives runs until the signal aborts. Throws `Fault` UsageWrong when this is not the pod of a release. */
export async function runService(service: FrameworkService): Promise<(signal: AbortSignal) => Promise<ExitCode>> {
  const folder = process.env['OUTRIGGER_NODE_FOLDER'] ?? '';
  const [host, port] = [process.env['POD_IP'] ?? '', Number(process.env['PORT'] ?? 0)];
  if (folder === '' || host === '' || !Number.isInteger(port))
    throw new Fault(
      'UsageWrong',
      `The service ${service} runs as a pod of a ClusterRelease whose service says "framework: ${service}": its agent sets OUTRIGGER_NODE_FOLDER, POD_IP and PORT. Here they are missing.`,
    );
  const load = SERVICES[service];
  if (load === undefined) throw new Fault('UsageWrong', `This version of Outrigger does not have the service ${service}; upgrade it.`);
  const run = await load();
  return async (signal) => {
    const log = lineLog(service);
    const clock = systemClock();
    try {
      const framework = await openFramework(
        {
          service,
          watch: (record, onRead, stop) => watchRecord(`${folder}/${record}.json`, onRead, stop),
          statuses: nodeStore(`${folder}/${FRAMEWORK_FOLDER}`),
          certificates: certificates(),
          judgeCertificate,
          clock,
          bootId: bootId(),
          log,
        },
        signal,
      );
      log.info(`The service ${service} starts.`, { node: framework.config().node.name });
      await run({ framework, folder, listen: { host, port }, clock, random: systemRandom(), log }, signal);
    } catch (cause) {
      if (!signal.aborted || cause !== signal.reason) throw cause;
    }
    log.info(`The service ${service} ends.`);
    return 0;
  };
}
