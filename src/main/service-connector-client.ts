/**
 * `outrigger service connector-client`, composed.
 */

import { forwardTo } from '../platform/forward.ts';
import { listenHttp } from '../platform/http-server.ts';
import { openLogTail } from '../platform/log-tail.ts';
import { mutualHttp } from '../platform/mutual-http.ts';
import { programVersion } from '../platform/program.ts';
import { joinStreams } from '../platform/relay-stream.ts';
import { dialTunnel } from '../platform/tunnel-site.ts';
import { runConnectorClient } from '../services/connector-client/connector-client.ts';
import type { ServiceBase } from './service-base.ts';

export async function runConnectorClientService(base: ServiceBase, signal: AbortSignal): Promise<void> {
  await runConnectorClient(
    {
      ...base,
      logsFolder: `${base.folder}/logs`,
      version: programVersion(),
      listenHttp,
      forwardTo,
      openLog: openLogTail,
      join: joinStreams,
      dialTunnel,
      http: mutualHttp(),
    },
    signal,
  );
}
