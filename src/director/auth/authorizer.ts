/**
 * May this caller do this? The chain: admins all, nodes and hosts by their tables, then everybody by RBAC.
 *
 * Synchronous, from the store's copy in memory, because every request passes here.
 *
 * I1: what nothing allows is refused, with who, what, where and why in one sentence.
 * I2: a node or host that a row of its table lets write is held to that row's content, whatever RBAC would give it.
 * I3: an extension server writes only its own sections of a status.
 */

import type { JsonObject } from '../../model/json.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EntityStore } from '../../ports/store.ts';
import { changedOutside } from './changes.ts';
import { consoleSecretIn } from './console-session.ts';
import { escalationIn } from './escalation.ts';
import { DRILL_RIGHTS, sharedTarget } from './drill-rights.ts';
import { HOST_RIGHTS } from './host-rights.ts';
import type { HostCaller } from './host-rights.ts';
import { isOpenPath, SYSTEM_NAMESPACE } from './identity.ts';
import type { Attributes, Authorizer, Decision, Identity, WriteContent } from './identity.ts';
import { JOINED_RIGHTS } from './joined-rights.ts';
import { MANAGER_RIGHTS } from './manager-rights.ts';
import { AGENT_RIGHTS } from './node-rights.ts';
import { SITE_RIGHTS } from './site-rights.ts';
import type { NodeCaller } from './node-rights.ts';
import { openRbac, serviceAccountName } from './rbac.ts';
import type { Rbac } from './rbac.ts';
import { isDeleting, openRelations } from './relations.ts';
import type { Relations } from './relations.ts';
import { contentVerdict, indexRights, rowsFor } from './right.ts';
import type { RightsIndex, RowAnswer } from './right.ts';
import { STAND_IN_RIGHTS } from './stand-in-rights.ts';
import { notYours, ownedSections, STATUS_SECTIONS } from './status-section.ts';
import type { SectionTime } from './status-section.ts';
import { part, text } from './stored-object.ts';

/** The ServiceAccount that extension servers use. */
export const EXTENSION_ACCOUNT = 'extension';
const EXTENSION_NAME = serviceAccountName(SYSTEM_NAMESPACE, EXTENSION_ACCOUNT);

const NODE_INDEX = indexRights([...AGENT_RIGHTS, ...MANAGER_RIGHTS, ...STAND_IN_RIGHTS, ...SITE_RIGHTS, ...DRILL_RIGHTS, ...JOINED_RIGHTS]);
const HOST_INDEX = indexRights(HOST_RIGHTS);

const BY_ADMIN: Decision = { allowed: true, reason: 'admin' };
const BY_RBAC: Decision = { allowed: true, reason: 'RBAC' };
const BY_ROW: Decision = { allowed: true, reason: 'the rights of nodes and hosts' };
const OPEN: Decision = { allowed: true, reason: 'open to everybody' };

export interface AuthorizerParts {
  readonly store: EntityStore;
  readonly clock: Clock;
}

export interface OpenAuthorizer extends Authorizer {
  /** Stops following the store. */
  close(): void;
}

interface Sources {
  readonly rbac: Rbac;
  readonly relations: Relations;
  readonly clock: Clock;
}

export function openAuthorizer({ store, clock }: AuthorizerParts): OpenAuthorizer {
  const sources: Sources = { rbac: openRbac(store), relations: openRelations(store), clock };
  return {
    authorize: (identity, attributes) => authorize(sources, identity, attributes),
    authorizeWrite: (identity, attributes, content) => authorizeWrite(sources, identity, attributes, content),
    close: () => {
      sources.rbac.close();
      sources.relations.close();
    },
  };
}

function authorize(sources: Sources, identity: Identity, attributes: Attributes): Decision {
  if (identity.kind === 'admin') return BY_ADMIN;
  if (attributes.path !== undefined && isOpenPath(attributes.path)) return OPEN;
  if (identity.kind === 'anonymous') return refuse(identity, attributes, 'log in first');
  const rows = askRows(sources, identity, attributes);
  if (rows !== undefined && 'allowed' in rows) return BY_ROW;
  if (sources.rbac.allows(identity, attributes)) return BY_RBAC;
  return refuse(identity, attributes, rows?.nearest ?? whyNot(identity));
}

function authorizeWrite(sources: Sources, identity: Identity, attributes: Attributes, content: WriteContent): Decision {
  if (identity.kind === 'admin') return BY_ADMIN;
  const rows = askRows(sources, identity, attributes);
  if (rows !== undefined && 'allowed' in rows) {
    const verdict = rows.content(attributes.subresource === 'status' ? statusOnly(content) : content);
    return verdict === undefined ? BY_ROW : refuse(identity, attributes, verdict);
  }
  const why =
    escalationIn(sources.rbac, identity, attributes, content) ??
    consoleSecretIn(attributes, content) ??
    sharedTarget(sources.rbac, identity, attributes, content) ??
    foreignSection(identity, attributes, content);
  if (why !== undefined) return refuse(identity, attributes, why);
  if (sources.rbac.allows(identity, attributes)) return BY_RBAC;
  return refuse(identity, attributes, rows?.nearest ?? whyNot(identity));
}

/**
 * A write of the status subresource changes the status alone: the API layer sees to that. What else differs between the states (a default that
 * a newer schema brought) is not the caller's doing.
 */
function statusOnly({ old, next }: WriteContent): WriteContent {
  if (old === undefined || next === undefined) return { old, next };
  const { status: _replaced, ...rest } = old;
  return { old, next: next['status'] === undefined ? rest : { ...rest, status: next['status'] } };
}

type Rows =
  | { readonly allowed: true; readonly content: (content: WriteContent) => string | undefined }
  | { readonly nearest: string | undefined };

/** What the table of nodes or hosts says; undefined for everybody else. */
function askRows(sources: Sources, identity: Identity, attributes: Attributes): Rows | undefined {
  if (identity.node !== undefined) {
    const caller = nodeCaller(sources.relations, identity.node);
    if (caller === undefined) return { nearest: `this director knows no ClusterNode with uid ${identity.node.uid}; go on as you are` };
    return rowsOf(NODE_INDEX, caller, attributes);
  }
  if (identity.host !== undefined) {
    const caller = hostCaller(sources, identity.host);
    if (caller === undefined) return { nearest: `this director knows no Host ${identity.host}; go on as you are` };
    return rowsOf(HOST_INDEX, caller, attributes);
  }
  return undefined;
}

function rowsOf<Caller>(index: RightsIndex<Caller>, caller: Caller, attributes: Attributes): Rows {
  const answer: RowAnswer<Caller> = rowsFor(index, caller, attributes);
  if (!('rows' in answer)) return answer;
  return { allowed: true, content: (content) => contentVerdict(answer.rows, caller, attributes, content) };
}

function nodeCaller(relations: Relations, bearer: NonNullable<Identity['node']>): NodeCaller | undefined {
  const node = relations.node(bearer.uid);
  return node === undefined ? undefined : { node, incarnation: bearer.incarnation, relations };
}

function hostCaller({ relations, clock }: Sources, name: string): HostCaller | undefined {
  const host = relations.host(name);
  return host === undefined ? undefined : { host: name, hostUid: host.uid, relations, nowMs: clock.nowMs() };
}

function foreignSection(identity: Identity, attributes: Attributes, content: WriteContent): string | undefined {
  if (identity.name !== EXTENSION_NAME || attributes.subresource !== 'status') return undefined;
  const { old, next } = statusOnly(content);
  if (old === undefined || next === undefined || STATUS_SECTIONS[attributes.resource] === undefined) return undefined;
  const field = changedOutside(old, next, ownedSections(attributes.resource, 'extension', clusterTime(old)));
  return field === undefined ? undefined : notYours('an extension server', attributes.resource, field);
}

/** In which time a Cluster is, for the table of sections. */
function clusterTime(old: JsonObject): SectionTime {
  return text(part(old, 'status')['availableAt']) === undefined || isDeleting(old) ? 'BeforeAvailable' : 'AfterAvailable';
}

function whyNot(identity: Identity): string {
  if (identity.kind === 'node') return 'nodes have no right to this (docs/reference/rights.md)';
  if (identity.kind === 'host') return 'hosts have no right to this (docs/reference/rights.md)';
  return 'no role that is bound to this user or its groups allows it';
}

/** In the words of kube-apiserver, which people and programs know; then why. */
function refuse(identity: Identity, attributes: Attributes, why: string): Decision {
  const user = `User "${identity.name}" cannot ${attributes.verb}`;
  if (attributes.path !== undefined) return { allowed: false, reason: `forbidden: ${user} path "${attributes.path}": ${why}` };
  const { group, resource, subresource = '', namespace, name } = attributes;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const subject = name === '' ? qualified : `${qualified} "${name}"`;
  const what = `resource "${subresource === '' ? resource : `${resource}/${subresource}`}" in API group "${group}"`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return { allowed: false, reason: `${subject} is forbidden: ${user} ${what} ${where}: ${why}` };
}
