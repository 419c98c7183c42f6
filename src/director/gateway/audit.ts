/**
 * One line for each request through the gateway: who reached what, from where, with which outcome.
 *
 * I1: no header, no query and no body is in it: they hold what is nobody's business here.
 */

import type { Log } from '../../ports/log.ts';
import type { GatewayAim } from '../../decide/gateway-path.ts';

export interface AuditEntry {
  /** Undefined: nobody was logged in. */
  readonly user: string | undefined;
  readonly verb: string;
  readonly method: string;
  readonly aim: GatewayAim | undefined;
  readonly address: string;
  readonly status: number;
  /** Set when the connection became a WebSocket. */
  readonly webSocket?: boolean;
  /** From the site to the caller, and for WebSockets the other way. */
  readonly outwardBytes: number;
  readonly inwardBytes?: number;
  /** False: it broke off in the middle. */
  readonly complete: boolean;
  readonly ms: number;
}

const PATH_CHARS = 256;

export function audit(log: Log, entry: AuditEntry): void {
  const { aim, ms, ...rest } = entry;
  log.info('A request through the gateway.', { audit: true, ...rest, ...whatOf(aim), ms: Math.round(ms * 10) / 10 });
}

function whatOf(aim: GatewayAim | undefined): Record<string, unknown> {
  if (aim === undefined) return {};
  const { namespace } = aim;
  if (aim.kind === 'log') {
    const query = new URLSearchParams(aim.query);
    return { resource: 'clusternodes/log', namespace, name: aim.node, reached: shortened(query.get('service') ?? '') };
  }
  const { reached } = aim;
  const what = reached.kind === 'portal' ? 'portal' : `services/${reached.secure ? 'https:' : ''}${reached.service}`;
  const path = reached.rest.slice(0, reached.rest.includes('?') ? reached.rest.indexOf('?') : undefined);
  return { resource: 'clusters/proxy', namespace, name: aim.cluster, reached: what, path: shortened(path) };
}

function shortened(text: string): string {
  return text.length > PATH_CHARS ? `${text.slice(0, PATH_CHARS)}…` : text;
}
