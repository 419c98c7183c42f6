/**
 * `outrigger extension`: one extension server. It needs a kubeconfig and nothing else; everything it knows is in entities.
 */

import type { Command } from 'commander';
import { kubernetesApi } from '../client/kubernetes.ts';
import { openCredential } from '../extension/credential.ts';
import type { Credential } from '../extension/credential.ts';
import { faultPointOf, withFaultPoint } from '../extension/fault-point.ts';
import { runExtensionServer } from '../extension/loop.ts';
import type { LoopSight } from '../extension/loop.ts';
import { countedApi, measureLag, newTelemetry } from '../extension/telemetry.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { endAbruptly } from '../platform/abrupt-end.ts';
import { systemClock, turnClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { bearerToken } from '../platform/kubeconfig.ts';
import { createLog } from '../platform/log.ts';
import { programVersion } from '../platform/program.ts';
import { tracerOf } from '../platform/otlp.ts';
import { systemRandom } from '../platform/random.ts';
import { serviceManager } from '../platform/service-manager.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Log } from '../ports/log.ts';
import { addCommand } from './command.ts';
import type { CommandContext } from './command.ts';
import { listenForHealth } from './extension-health.ts';

const SETTINGS_USED = ['kubeconfig', 'identity', 'healthListen', 'certificate', 'key', 'otlpEndpoint', 'logLevel'] as const;

export function registerExtension(program: Command): void {
  addCommand(program, {
    name: 'extension',
    summary: 'Run an extension server: creates, repairs and deletes clusters',
    description:
      'Stateless: run as many as you like, kill them at any moment. They share the clusters among themselves by Leases in outrigger-system.\n' +
      'It speaks only the Kubernetes API, so it also runs against a Kubernetes API server that has the CRDs of deploy/crds.',
    examples: [
      ['outrigger extension --kubeconfig extension.kubeconfig', 'run one until Ctrl-C'],
      ['outrigger extension --kubeconfig extension.kubeconfig --health-listen 127.0.0.1:9464', 'with /livez, /readyz and /metrics'],
    ],
    settings: SETTINGS_USED,
    isService: true,
    run: runExtension,
  });
}

async function runExtension({ settings, signal }: CommandContext<(typeof SETTINGS_USED)[number]>): Promise<ExitCode> {
  if (settings.kubeconfig === undefined) {
    throw new Fault(
      'UsageWrong',
      'An extension server needs --kubeconfig: the address of a director and the credentials of its ServiceAccount.',
    );
  }
  const random = systemRandom();
  // The name ends in dice, so that a server that is started again is never taken for its former life.
  const server = `${settings.identity ?? 'server'}-${random.uuid().slice(0, 8)}`;
  const log = createLog({ role: 'extension', level: settings.logLevel }).with({ server });
  const telemetry = newTelemetry();
  const { kubeconfig } = settings;
  const clock = turnClock(systemClock());
  const credential = openCredential({ read: () => bearerToken(kubeconfig, systemFiles().readText), clock, random, log });
  const deps = { api: countedApi(apiOf(kubeconfig, credential, log), telemetry), clock, random, log };
  let sight: LoopSight | undefined;
  const tracer = tracerOf(settings.otlpEndpoint, { service: 'outrigger-extension', instance: server, log });
  const observed = {
    server,
    version: programVersion(),
    telemetry,
    sight: () => sight,
    stopping: () => signal.aborted,
    spansDropped: tracer?.dropped,
  };
  const health = await listenForHealth(settings, observed, log);
  const service = serviceManager({ clock: deps.clock, log, environment: process.env, until: signal });
  log.info('The extension server starts.');
  // A director that is away is no reason to be started again: it waits for one.
  service.ready();
  service.status(`Works as ${server}.`);
  const traced = tracer === undefined ? {} : { tracer };
  const options = { server, onRound: service.progressed, telemetry, ...traced, onBegin: (begun: LoopSight) => void (sight = begun) };
  await Promise.all([runExtensionServer(deps, options, signal), measureLag(telemetry, clock, signal), credential.keep(deps.api, signal)]);
  await health?.close(0);
  await tracer?.flush();
  log.info('The extension server has stopped.');
  return 0;
}

/** The director's API; in tests, with the point at which this process dies. */
function apiOf(kubeconfig: string, credential: Credential, log: Log): EntityApi {
  const api = kubernetesApi({ file: kubeconfig }, credential.token);
  const point = faultPointOf(process.env);
  if (point === undefined) return api;
  log.warn(`This server is started by a test: it kills itself ${point.when} its write ${point.write}.`);
  return withFaultPoint(api, point, (what) => endAbruptly(`fault point: killed ${point.when} write ${point.write}, ${what}`));
}
