/**
 * What a host daemon may do: rows H1 to H10. By relation: itself, the nodes that it holds (`spec.host`), the nodes that it may claim.
 *
 * I1: a host claims a node only out of a VirtualDataCenter that names it, only from nobody, and changes nothing else by that.
 * I2: of nodes that others hold it writes nothing.
 * I3: it mints tokens only for the present incarnation of nodes that it holds, and never reads one back.
 */

import { isTokenSecretName, readTokenFields } from '../../model/bootstrap-token.ts';
import { EVENTS, LEASES, SECRETS } from '../../model/core-kinds.ts';
import { FINALIZER_NODE } from '../../model/labels.ts';
import { LIMITS } from '../../model/limits.ts';
import { API_GROUP } from '../../model/resource.ts';
import { changedOutside, sameJson } from './changes.ts';
import { SYSTEM_NAMESPACE } from './identity.ts';
import type { Attributes } from './identity.ts';
import { isDeleting, numberOf } from './relations.ts';
import type { NodeFacts, Relations } from './relations.ts';
import type { Right, States, Verdict } from './right.ts';
import { requires } from './selector.ts';
import { notYours, ownedSections } from './status-section.ts';
import { part, secretData, text } from './stored-object.ts';

/** A host that the director knows. */
export interface HostCaller {
  readonly host: string;
  readonly hostUid: string;
  readonly relations: Relations;
  readonly nowMs: number;
}

const GROUP = API_GROUP;
const CHANGE = ['patch', 'update'];
const FOLLOW = ['list', 'watch'];
/** A clock that is ahead of ours may write an expiry this much later. */
const CLOCK_SLACK_MS = LIMITS.certificateBackdateMs;

export const HOST_RIGHTS: readonly Right<HostCaller>[] = [
  {
    id: 'H1',
    verbs: ['get', ...FOLLOW],
    group: GROUP,
    resource: 'hosts',
    says: 'its own Host; lists and watches with the field selector `metadata.name=<its name>`',
    refuses: ownHostSelected,
  },
  {
    id: 'H2',
    verbs: CHANGE,
    group: GROUP,
    resource: 'hosts',
    subresource: 'status',
    says: 'its own Host',
    refuses: ownHost,
    refusesContent: hostSections,
  },
  { id: 'H3', verbs: ['get', ...FOLLOW], group: GROUP, resource: 'clusternodes', says: 'all ClusterNodes', refuses: nothing },
  { id: 'H4', verbs: ['get'], group: GROUP, resource: 'virtualdatacenters', says: 'all VirtualDataCenters, by name', refuses: nothing },
  { id: 'H11', verbs: ['get'], group: GROUP, resource: 'clusters', says: 'all Clusters, by name', refuses: nothing },
  { id: 'H12', verbs: ['get'], group: GROUP, resource: 'clusterreleases', says: 'all ClusterReleases, by name', refuses: nothing },
  {
    id: 'H5',
    verbs: CHANGE,
    group: GROUP,
    resource: 'clusternodes',
    says: 'spec.host, from absent to itself, of a node that is to live, waits for no joined machine, and whose VirtualDataCenter names the host; or the finalizer `outrigger.dev/node` away, of a node that it holds and that is being deleted; in either case nothing else',
    refuses: nothing,
    refusesContent: claimOrRelease,
  },
  {
    id: 'H6',
    verbs: CHANGE,
    group: GROUP,
    resource: 'clusternodes',
    subresource: 'status',
    says: 'the section infrastructure, with the present incarnation, of nodes that it holds',
    refuses: (caller, asked) => held(caller, caller.relations.nodeAt(asked.namespace, asked.name), asked.name),
    refusesContent: infrastructureSection,
  },
  {
    id: 'H7',
    verbs: ['create'],
    group: SECRETS.group,
    resource: SECRETS.plural,
    says: 'bootstrap tokens (`bootstrap-<id>`, type `outrigger.dev/bootstrap-token`, at most 1 h) for the present incarnation of nodes that it holds',
    refuses: (_caller, asked) => (asked.name === '' || isTokenSecretName(asked.name) ? undefined : TOKENS_ONLY),
    refusesContent: tokenForHeld,
  },
  {
    id: 'H8',
    verbs: ['delete'],
    group: SECRETS.group,
    resource: SECRETS.plural,
    says: 'bootstrap tokens of nodes that it holds, or that are gone',
    refuses: (_caller, asked) => (isTokenSecretName(asked.name) ? undefined : TOKENS_ONLY),
    refusesContent: tokenOfHeldOrGone,
  },
  {
    id: 'H9',
    verbs: ['create'],
    group: EVENTS.group,
    resource: EVENTS.plural,
    says: 'about its own Host, or in their namespace about ClusterNodes that it holds',
    refuses: nothing,
    refusesContent: eventAboutHeld,
  },
  {
    id: 'H10',
    verbs: ['get', 'create', ...CHANGE],
    group: LEASES.group,
    resource: LEASES.plural,
    says: 'the Lease `host-<its name>` in outrigger-system',
    refuses: ownLease,
    refusesContent: ({ host }, { next }) => leaseName(host, text(part(next, 'metadata')['name'])),
  },
];

const TOKENS_ONLY = 'of Secrets a host may touch only bootstrap tokens, named bootstrap-<id>, of nodes that it holds';

function nothing(): undefined {
  return undefined;
}

function ownHost({ host }: HostCaller, asked: Attributes): Verdict {
  return asked.name === host ? undefined : `a host may do this only with its own Host, ${host}`;
}

function ownHostSelected(caller: HostCaller, asked: Attributes): Verdict {
  if (asked.verb === 'get') return ownHost(caller, asked);
  if (requires(asked.fieldSelector, 'metadata.name', caller.host)) return undefined;
  return `a host may ask only for itself: add the field selector metadata.name=${caller.host}`;
}

function hostSections(_caller: HostCaller, { old, next }: States): Verdict {
  const field = changedOutside(old, next, ownedSections('hosts', 'host', 'Always'));
  return field === undefined ? undefined : notYours('a host daemon', 'hosts', field);
}

function held(caller: HostCaller, node: NodeFacts | undefined, name: string): Verdict {
  if (node === undefined) return `there is no ClusterNode ${name} here`;
  return node.host === caller.host ? undefined : `${name} is held by ${node.host ?? 'nobody'}, not by ${caller.host}`;
}

const HOST_ONLY: ReadonlySet<string> = new Set(['spec.host']);
const FINALIZERS_ONLY: ReadonlySet<string> = new Set(['metadata.finalizers']);

function claimOrRelease(caller: HostCaller, states: States): Verdict {
  const released = changedOutside(states.old, states.next, FINALIZERS_ONLY) === undefined;
  return released && !sameJson(finalizersOf(states.old), finalizersOf(states.next)) ? release(caller, states) : claim(caller, states);
}

function claim({ host, relations }: HostCaller, { old, next }: States): Verdict {
  const field = changedOutside(old, next, HOST_ONLY);
  if (field !== undefined) return `a host may change of a ClusterNode only spec.host, to claim it, and may not change ${field}`;
  const [before, after] = [part(old, 'spec'), part(next, 'spec')];
  const holder = text(before['host']);
  // A claim that is repeated, because its answer was lost, changes nothing.
  if (holder === host && after['host'] === host) return undefined;
  if (holder !== undefined) return `it is claimed by ${holder} already`;
  if (after['host'] !== host) return `spec.host may be set by a host only to itself, ${host}`;
  if (before['retired'] === true || isDeleting(old)) return 'it is to go, so nobody may claim it';
  if (before['machine'] === 'Joined') return 'it waits for a machine that a person lets in (outrigger agent join), and for no host';
  const home = text(before['virtualDataCenter']) ?? '';
  if (relations.hostsOf(text(part(old, 'metadata')['namespace']) ?? '', home).includes(host)) return undefined;
  return `the VirtualDataCenter ${home} does not name ${host} in spec.hosts`;
}

function release({ host }: HostCaller, { old, next }: States): Verdict {
  if (part(old, 'spec')['host'] !== host) return `only the host that holds a node may drop its finalizer, and ${host} does not hold it`;
  if (!isDeleting(old)) return 'the node is not being deleted, so its finalizer stays';
  const left = finalizersOf(old).filter((finalizer) => finalizer !== FINALIZER_NODE);
  return sameJson(left, finalizersOf(next)) ? undefined : `of the finalizers a host may only drop ${FINALIZER_NODE}`;
}

function finalizersOf(object: States['old']): string[] {
  const finalizers = part(object, 'metadata')['finalizers'];
  return Array.isArray(finalizers) ? finalizers.filter((one): one is string => typeof one === 'string') : [];
}

function infrastructureSection({ host }: HostCaller, { old, next }: States): Verdict {
  if (part(old, 'spec')['host'] !== host) return `${host} does not hold this node any more`;
  const field = changedOutside(old, next, ownedSections('clusternodes', 'host', 'Always'));
  if (field !== undefined) return notYours('a host daemon', 'clusternodes', field);
  const incarnation = numberOf(part(old, 'spec')['incarnation']);
  if (numberOf(part(part(next, 'status'), 'infrastructure')['incarnation']) === incarnation) return undefined;
  return `status.infrastructure.incarnation must be ${incarnation}, the incarnation that is wanted now`;
}

function tokenForHeld(caller: HostCaller, { next }: States, asked: Attributes): Verdict {
  const token = readTokenFields(text(next['type']), secretData(next));
  const extra = Object.keys(next).find((key) => !['apiVersion', 'kind', 'metadata', 'type', 'data'].includes(key));
  if (token === undefined || extra !== undefined || token.usedBy !== undefined || token.certificate !== undefined) return TOKENS_ONLY;
  if (!isTokenSecretName(text(part(next, 'metadata')['name']) ?? '')) return TOKENS_ONLY;
  if (token.bearer.kind === 'host') return 'a host may not mint tokens for hosts';
  if (Date.parse(token.expiresAt) > caller.nowMs + LIMITS.bootstrapTokenTtlMs + CLOCK_SLACK_MS)
    return 'a bootstrap token may live at most 1 h: bring expiresAt nearer';
  const { name, uid, incarnation } = token.bearer;
  const node = caller.relations.nodeAt(asked.namespace, name);
  if (node?.uid !== uid || node.incarnation !== incarnation)
    return `there is no ClusterNode ${name} with uid ${uid} at incarnation ${incarnation} in this namespace`;
  if (node.retired || node.deleting) return `${name} is to go, so nobody may join as it`;
  return held(caller, node, name);
}

function tokenOfHeldOrGone(caller: HostCaller, { old }: States, asked: Attributes): Verdict {
  const token = readTokenFields(text(old['type']), secretData(old));
  if (token === undefined || token.bearer.kind === 'host') return TOKENS_ONLY;
  const node = caller.relations.nodeAt(asked.namespace, token.bearer.name);
  return node === undefined || node.uid !== token.bearer.uid ? undefined : held(caller, node, node.name);
}

function eventAboutHeld(caller: HostCaller, { next }: States, asked: Attributes): Verdict {
  const about = part(next, 'involvedObject');
  const uid = text(about['uid']) ?? '';
  if (about['kind'] === 'Host') return uid === caller.hostUid ? undefined : 'a host may speak only of itself and of nodes that it holds';
  if (about['kind'] === 'ClusterNode' && about['namespace'] === asked.namespace) {
    const node = caller.relations.node(uid);
    if (node?.host === caller.host && node.namespace === asked.namespace) return undefined;
  }
  return 'a host may speak only of itself and of ClusterNodes that it holds, named by kind, namespace and uid';
}

function ownLease({ host }: HostCaller, asked: Attributes): Verdict {
  if (asked.namespace !== SYSTEM_NAMESPACE) return `a host keeps its Lease in ${SYSTEM_NAMESPACE}`;
  return asked.verb === 'create' && asked.name === '' ? undefined : leaseName(host, asked.name);
}

function leaseName(host: string, name: string | undefined): Verdict {
  return name === `host-${host}` ? undefined : `a host may keep only its own Lease, host-${host}`;
}
