/**
 * What of a cluster is reached through its tunnel: services that it publishes, and the portal of its primary. Nothing else has an address there.
 *
 * I1: no host name, address or port comes from outside; they stand in `framework.json`.
 * I2: of our own services only connection-server-proxy is reached, which is made for strangers; the others speak to nodes alone.
 */

import type { FrameworkConfig, FrameworkMember } from '../model/framework.ts';
import type { Reached } from './gateway-path.ts';

export type ReachedPlace =
  | { readonly kind: 'service'; readonly host: string; readonly port: number; readonly secure: boolean }
  | { readonly kind: 'portal'; readonly member: FrameworkMember; readonly port: number }
  /** 404: no such service. 403: there is one, and it is not for callers from outside. 503: there is nobody at this moment. */
  | { readonly kind: 'refused'; readonly status: 403 | 404 | 503; readonly message: string };

export function placeOf(
  reached: Reached,
  config: Pick<FrameworkConfig, 'cluster' | 'node' | 'primary' | 'members' | 'services' | 'portalPort'>,
): ReachedPlace {
  if (reached.kind === 'portal') return portalOf(config);
  const { service } = reached;
  const published = config.services.find(({ name }) => name === service);
  if (published === undefined) {
    const open = config.services.filter(({ framework }) => isOpen(framework)).map(({ name }) => name);
    const has = open.length === 0 ? 'it publishes none' : `it publishes: ${open.join(', ')}`;
    return refused(404, `The cluster ${config.cluster.name} publishes no service ${service} on its nodes; ${has}.`);
  }
  if (!isOpen(published.framework))
    return refused(403, `The service ${service} of the cluster ${config.cluster.name} answers only nodes of this cluster.`);
  const secure = reached.secure || published.framework !== undefined;
  return { kind: 'service', host: config.node.address, port: published.port, secure };
}

function isOpen(framework: string | undefined): boolean {
  return framework === undefined || framework === 'connection-server-proxy';
}

function portalOf({
  cluster,
  primary,
  members,
  portalPort,
}: Pick<FrameworkConfig, 'cluster' | 'primary' | 'members' | 'portalPort'>): ReachedPlace {
  const member = members.find(({ name }) => name === primary);
  if (member === undefined)
    return refused(503, `The cluster ${cluster.name} knows no primary at this moment, and the portal is on the primary; try again.`);
  return { kind: 'portal', member, port: portalPort };
}

function refused(status: 403 | 404 | 503, message: string): ReachedPlace {
  return { kind: 'refused', status, message };
}
