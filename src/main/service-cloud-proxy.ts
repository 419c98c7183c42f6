/**
 * `outrigger service cloud-proxy`, composed.
 */

import { forwardTo } from '../platform/forward.ts';
import { listenHttp } from '../platform/http-server.ts';
import { joinStreams } from '../platform/relay-stream.ts';
import { runCloudProxy } from '../services/cloud-proxy/cloud-proxy.ts';
import type { ServiceBase } from './service-base.ts';

export async function runCloudProxyService(base: ServiceBase, signal: AbortSignal): Promise<void> {
  await runCloudProxy({ ...base, listenHttp, forwardTo, join: joinStreams }, signal);
}
