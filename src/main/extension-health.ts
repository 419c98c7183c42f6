/**
 * The address on which an extension server answers probes and Prometheus (src/extension/observe.ts): where it may be, and by which certificate.
 *
 * I1: beyond this machine only TLS: what the endpoint tells is no secret, but whoever reads it must know that it is true.
 */

import { present } from '../base/assert.ts';
import { observeHandler } from '../extension/observe.ts';
import type { Observed } from '../extension/observe.ts';
import { Fault } from '../model/fault.ts';
import { healthListenProblem, hostPortOf } from '../model/network-address.ts';
import { isKeyOf } from '../platform/certificate.ts';
import { systemFiles } from '../platform/files.ts';
import { listenHttp } from '../platform/http-server.ts';
import type { HttpServer, TlsIdentity } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';

export interface HealthSettings {
  /** `host:port`; undefined: nothing listens. */
  readonly healthListen: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** Throws `Fault` SettingInvalid for what cannot be, PortTaken when another program has the port. Resolves with undefined when nothing is asked for. */
export async function listenForHealth(settings: HealthSettings, observed: Observed, log: Log): Promise<HttpServer | undefined> {
  const { healthListen } = settings;
  if (healthListen === undefined) return undefined;
  const tls = identityOf(settings);
  const problem = healthListenProblem(healthListen, tls !== undefined);
  if (problem !== undefined) throw new Fault('SettingInvalid', problem);
  const where = present(hostPortOf(healthListen), 'the address of --health-listen');
  const onError = (error: unknown): void => log.error('A request of the health endpoint failed.', { error });
  const remedy = 'or choose another one with --health-listen';
  const server = await listenHttp({ ...where, remedy, handler: observeHandler(observed), onError, ...(tls === undefined ? {} : { tls }) });
  const scheme = tls === undefined ? 'http' : 'https';
  log.info('Health and metrics are told.', { url: `${scheme}://${healthListen}`, paths: ['/livez', '/readyz', '/metrics'] });
  return server;
}

function identityOf({ certificate, key }: HealthSettings): TlsIdentity | undefined {
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined)
    throw new Fault('SettingInvalid', '--certificate and --key belong together: name both files, or none.');
  const identity = { certificate: readNeeded(certificate), key: readNeeded(key) };
  if (!isKeyOf(identity.key, identity.certificate))
    throw new Fault('SettingInvalid', `${key} is not the private key of the certificate in ${certificate}.`);
  return identity;
}

function readNeeded(file: string): string {
  const text = systemFiles().readText(file);
  if (text === undefined) throw new Fault('SettingInvalid', `There is no file ${file}.`);
  return text;
}
