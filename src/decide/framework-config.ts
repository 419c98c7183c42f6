/**
 * What an agent tells the framework services of its node: `framework.json`, from what it remembers and what it sees.
 *
 * I1: who is a member is known by report; what is not heard of now stays as it was told last, so that a cut from the directors takes nobody's right
 *     to talk away. A node that is seen to be gone, retired or in a new incarnation loses it.
 * I2: the same input gives the same text, so that nothing is written that did not change.
 * I3: who is told to be where nobody can be is no member (src/model/network-address.ts), also when it was told so before.
 */

import { countRunning } from './license-clock.ts';
import type { BootReading } from './license-clock.ts';
import { memberId } from './authority.ts';
import type { Membership } from './authority.ts';
import type { NodePlan } from './plan.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { FrameworkConfig, FrameworkMember, FrameworkSite } from '../model/framework.ts';
import type { LicenseRecord } from '../model/license-statement.ts';
import { isHost } from '../model/network-address.ts';
import { PORTS } from '../model/ports.ts';

export interface FrameworkInput {
  readonly cluster: FrameworkConfig['cluster'];
  readonly node: FrameworkConfig['node'];
  readonly directors: readonly string[];
  readonly membership: Membership | undefined;
  readonly plan: NodePlan | undefined;
  /** Of the attempt that this node belongs to, as seen now; undefined: never heard of any. */
  readonly nodes: readonly ClusterNode[] | undefined;
  readonly site: FrameworkSite | undefined;
  readonly license: LicenseRecord | undefined;
  readonly joined: FrameworkConfig['joined'];
  /** What was told last. */
  readonly previous: FrameworkConfig | undefined;
}

export function frameworkConfigOf(input: FrameworkInput): FrameworkConfig {
  const members = membersOf(input);
  return {
    cluster: input.cluster,
    node: input.node,
    primary: members.find((member) => member.role === 'Primary')?.name,
    term: input.membership?.term ?? input.previous?.term ?? 0,
    directors: [...input.directors].sort(),
    members,
    services: [...(input.plan?.balanced ?? input.previous?.services ?? [])],
    peerPort: PORTS.peer,
    portalPort: PORTS.portal,
    site: input.site,
    license: input.license,
    ...(input.joined === undefined ? {} : { joined: input.joined }),
  };
}

/** With all running time counted up to `now`. */
export function withRunningTime(config: FrameworkConfig, now: BootReading): FrameworkConfig {
  const { license, joined } = config;
  return {
    ...config,
    license: license === undefined ? undefined : { ...license, since: countRunning(license.since, now) },
    ...(joined === undefined ? {} : { joined: { ...joined, since: countRunning(joined.since, now) } }),
  };
}

function membersOf(input: FrameworkInput): readonly FrameworkMember[] {
  const { node, membership, previous } = input;
  const primary = membership?.primary ?? '';
  const roleOf = (uid: string, incarnation: number, before: FrameworkMember['role'] | undefined): FrameworkMember['role'] =>
    primary === '' ? (before ?? 'Worker') : primary === memberId(uid, incarnation) ? 'Primary' : 'Worker';
  const before = new Map((previous?.members ?? []).filter(isMember).map((member) => [member.uid, member]));
  const seen = input.nodes === undefined ? [...before.values()] : input.nodes.flatMap((one) => memberOf(one, before.get(one.metadata.uid)));
  const others = seen.filter((member) => member.uid !== node.uid);
  const revokedBefore = seen.find((member) => member.uid === node.uid)?.revokedBefore;
  return [{ ...node, role: 'Worker' as const, ...(revokedBefore === undefined ? {} : { revokedBefore }) }, ...others]
    .map((member) => ({ ...member, role: roleOf(member.uid, member.incarnation, before.get(member.uid)?.role) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A node without an address has not said yet where it is; it stays where it was in this incarnation. */
function memberOf(node: ClusterNode, before: FrameworkMember | undefined): readonly FrameworkMember[] {
  const { name, uid, deletionTimestamp } = node.metadata;
  const { incarnation } = node.spec;
  if (deletionTimestamp !== undefined || node.spec.retired === true) return [];
  const said = node.status?.agent?.incarnation === incarnation ? node.status.agent.address : undefined;
  const address = isHost(said) ? said : before?.incarnation === incarnation ? before.address : undefined;
  if (address === undefined) return [];
  const { revokedBefore } = node.spec;
  return [{ name, uid, incarnation, address, role: 'Worker', ...(revokedBefore === undefined ? {} : { revokedBefore }) }];
}

/** Whether a record holds a member that can be spoken to. */
export function isMember(value: unknown): value is FrameworkMember {
  if (typeof value !== 'object' || value === null) return false;
  const { name, uid, incarnation, address, revokedBefore = '' } = value as Partial<Record<keyof FrameworkMember, unknown>>;
  const texts = [name, uid, revokedBefore].every((text) => typeof text === 'string');
  return texts && Number.isSafeInteger(incarnation) && isHost(address);
}
