/**
 * Authority of the primary, in sole mode: the voters are one node, and that node is the primary for as long as its membership says so.
 *
 * The record has every field of the full protocol (term, primary, k, voters), so that pairing with a standby changes no disk format.
 *
 * I1: authority needs a membership whose only voter and whose primary is this very node in this very incarnation.
 * I2: no step lowers the term.
 * I3: a node that meets a higher term follows it, and has no authority in it unless it is its primary.
 */

/** What a node keeps in its node store as `membership`. Node ids are `memberId`s. */
export type Membership = {
  term: number;
  primary: string;
  k: number;
  voters: string[];
  incarnation: number;
};

/** A member is a node in one of its lives. */
export function memberId(nodeUid: string, incarnation: number): string {
  return `${nodeUid}.${incarnation}`;
}

/**
 * Membership of a node at its birth. Born primary it is the only voter, in a term above `recordedTerm` (Cluster.status.term; 0: none
 * yet): one term has one primary, and this is another one. Born worker it has no vote and follows `primary` (a memberId, or '' while unknown).
 */
export function bornMembership(
  node: { readonly uid: string; readonly incarnation: number; readonly role: 'Primary' | 'Worker' },
  recordedTerm: number,
  primary: string,
): Membership {
  const self = memberId(node.uid, node.incarnation);
  if (node.role === 'Worker')
    return { term: recordedTerm, primary, k: 0, voters: primary === '' ? [] : [primary], incarnation: node.incarnation };
  return { term: recordedTerm + 1, primary: self, k: 0, voters: [self], incarnation: node.incarnation };
}

/** `membership` after meeting (term, primary) of somebody else. */
export function followHigher(membership: Membership, term: number, primary: string): Membership {
  if (term <= membership.term) return membership;
  return { ...membership, term, primary, voters: [primary] };
}

/** Whether the node `self` (a memberId) may run singletons and manage the cluster now. */
export function mayRunSingletons(membership: Membership | undefined, self: string): boolean {
  return membership !== undefined && membership.primary === self && membership.voters.length === 1 && membership.voters[0] === self;
}
