/**
 * connection-server-proxy, composed.
 */

import { PORTAL_CERTIFICATE_FOLDER } from '../model/framework.ts';
import { listenHttp } from '../platform/http-server.ts';
import { ownCertificate } from '../platform/own-certificate.ts';
import { joinStreams } from '../platform/relay-stream.ts';
import { openUpstream } from '../platform/reverse-proxy.ts';
import { runConnectionServerProxy } from '../services/connection-server-proxy/run.ts';
import type { ServiceBase } from './service-base.ts';

export async function runConnectionServerProxyService(base: ServiceBase, signal: AbortSignal): Promise<void> {
  const { framework, folder, listen, clock, random, log } = base;
  const certificate = ownCertificate(`${folder}/${PORTAL_CERTIFICATE_FOLDER}`, "the node's certificate", log);
  await runConnectionServerProxy(
    { framework, listen, listenHttp, openUpstream, joinStreams, ownCertificate: certificate, clock, random, log },
    signal,
  );
}
