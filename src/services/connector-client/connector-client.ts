/**
 * connector-client: a node's line to the center. It dials out and keeps a tunnel, answers in it, and hands in at a director what its own cluster has for one.
 *
 * I1: nothing at the site listens for the center: all begins with a connection that this node makes.
 * I2: the tunnel and the door for the own cluster fail apart: neither ends the other.
 */

import { LIMITS } from '../../model/limits.ts';
import type { ListenHttp } from '../../ports/http.ts';
import type { MutualHttp } from '../../ports/mutual-http.ts';
import type { Random } from '../../ports/random.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DialTunnel } from '../../ports/tunnel.ts';
import { createInside } from './inside.ts';
import type { InsideDeps } from './inside.ts';
import { createNodeDoor } from './node-door.ts';
import { keepTunnel } from './tunnel-keeper.ts';

export interface ConnectorClientDeps extends InsideDeps {
  readonly listen: { readonly host: string; readonly port: number };
  readonly listenHttp: ListenHttp;
  readonly http: MutualHttp;
  readonly dialTunnel: DialTunnel;
  readonly clock: Clock;
  readonly random: Random;
}

/** Runs until the signal aborts. `onListening`: told the port. */
export async function runConnectorClient(
  deps: ConnectorClientDeps,
  signal: AbortSignal,
  onListening?: (port: number) => void,
): Promise<void> {
  const { framework, log, listen } = deps;
  const inside = createInside(deps);
  const held: { director?: string } = {};
  const tls = (): { certificate: string; key: string; clientCa: string } => {
    const { certificate, privateKey, authority } = framework.identity();
    return { certificate, key: privateKey, clientCa: authority };
  };
  const server = await deps.listenHttp({
    ...listen,
    tls: tls(),
    handler: createNodeDoor({ framework, http: deps.http, director: () => held.director, log }, signal),
    onError: (error) => log.error('The server of this service failed.', { error }),
  });
  framework.onChange(() => server.replaceTls(tls()));
  onListening?.(server.port);
  try {
    await keepTunnel(
      {
        ...deps,
        handler: inside.handler,
        onUpgrade: inside.onUpgrade,
        onHeld: (director) => {
          if (director === undefined) delete held.director;
          else held.director = director;
        },
      },
      signal,
    );
  } finally {
    inside.close();
    await server.close(LIMITS.podDrainMs);
  }
}
