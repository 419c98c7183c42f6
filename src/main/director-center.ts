/**
 * The center's end of the tunnels, composed: who holds them, who is told, and what passes through them.
 */

import { createGateway } from '../director/gateway/gateway.ts';
import type { Gateway } from '../director/gateway/gateway.ts';
import { tunnelLeases } from '../director/gateway/tunnel-lease.ts';
import type { LeaseParts, TunnelLeases } from '../director/gateway/tunnel-lease.ts';
import { createTunnels } from '../director/gateway/tunnels.ts';
import type { Tunnels } from '../director/gateway/tunnels.ts';
import type { Auth } from '../director/auth/open-auth.ts';
import { joinStreams } from '../platform/relay-stream.ts';
import { openCenterTunnel } from '../platform/tunnel-center.ts';

export interface Center {
  readonly gateway: Gateway;
  readonly tunnels: Tunnels;
  readonly leases: TunnelLeases;
}

type CenterParts = LeaseParts &
  Pick<Auth, 'authenticator' | 'authorizer' | 'relations' | 'standing'> & {
    readonly onBroken: (error: unknown) => void;
    readonly signal: AbortSignal;
  };

export function openCenter(parts: CenterParts): Center {
  const leases = tunnelLeases(parts);
  const tunnels = createTunnels({ ...parts, leases, openTunnel: openCenterTunnel });
  return { leases, tunnels, gateway: createGateway({ ...parts, tunnels, leases, join: joinStreams }) };
}
