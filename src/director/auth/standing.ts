/**
 * Whether a node's certificate still stands: a node can be revoked, replaced by a later life, or gone, long before its certificate ends.
 *
 * A revoked certificate is refused everywhere. One of an earlier life, or of a node that is not known here, is only cut off: it may come back to
 * read what has become of it (row N1), and an agent that is not known to a restored director must go on as it is.
 *
 * I1: what a certificate that stopped standing had open (watches, tunnels, requests) ends as soon as this director's copy of the store shows it.
 * I2: it ends whatever was opened with that certificate, and nothing else.
 */

import { API_GROUP } from '../../model/resource.ts';
import type { EntityStore } from '../../ports/store.ts';
import { follow } from './follow.ts';
import type { Connection, Identity } from './identity.ts';
import type { NodeFacts, Relations } from './relations.ts';

type NodeBearer = NonNullable<Identity['node']>;

export interface Standing {
  /** A sentence when the node was revoked after this certificate began. */
  revoked(bearer: NodeBearer, notBeforeMs: number): string | undefined;
  /** Why whoever bears it may keep nothing open; undefined: he may. */
  fallen(bearer: NodeBearer, notBeforeMs: number): string | undefined;
  /** From now on the connection is cut when that certificate falls. */
  watch(connection: Connection, bearer: NodeBearer, notBeforeMs: number): void;
  close(): void;
}

interface Watched {
  readonly bearer: NodeBearer;
  readonly notBeforeMs: number;
}

export interface StandingParts {
  readonly store: EntityStore;
  readonly relations: Relations;
}

export function openStanding({ store, relations }: StandingParts): Standing {
  const watched = new Map<string, Map<Connection, Watched>>();
  const judge = (uid: string): void => {
    for (const [connection, { bearer, notBeforeMs }] of watched.get(uid) ?? []) {
      if (fallen(relations.node(uid), bearer, notBeforeMs) !== undefined) connection.cut?.();
    }
  };
  // Other followers of the same change, such as the index that answers here, may be told after us.
  const judgeSoon = (uids: Iterable<string>): void => queueMicrotask(() => [...uids].forEach(judge));
  const stop = follow(store, API_GROUP, 'clusternodes', {
    reset: () => judgeSoon([...watched.keys()]),
    changed: ({ entity }) => {
      if (watched.has(entity.uid)) judgeSoon([entity.uid]);
    },
  });
  return {
    revoked: (bearer, notBeforeMs) => revoked(relations.node(bearer.uid), notBeforeMs),
    fallen: (bearer, notBeforeMs) => fallen(relations.node(bearer.uid), bearer, notBeforeMs),
    watch: (connection, bearer, notBeforeMs) => {
      if (connection.cut === undefined || connection.onClosed === undefined) return;
      const { uid } = bearer;
      let ofNode = watched.get(uid);
      if (ofNode === undefined) watched.set(uid, (ofNode = new Map()));
      ofNode.set(connection, { bearer, notBeforeMs });
      connection.onClosed(() => {
        ofNode.delete(connection);
        if (ofNode.size === 0 && watched.get(uid) === ofNode) watched.delete(uid);
      });
    },
    close: stop,
  };
}

function revoked(node: NodeFacts | undefined, notBeforeMs: number): string | undefined {
  if (node?.revokedBeforeMs === undefined || notBeforeMs >= node.revokedBeforeMs) return undefined;
  return `the certificate of ${node.name} was revoked (spec.revokedBefore ${new Date(node.revokedBeforeMs).toISOString()}); its host gives it a new one, or join again with a new token.`;
}

function fallen(node: NodeFacts | undefined, { uid, incarnation }: NodeBearer, notBeforeMs: number): string | undefined {
  if (node === undefined) return `this director knows no ClusterNode with uid ${uid}; go on as you are.`;
  if (node.incarnation > incarnation) return `incarnation ${node.incarnation} of ${node.name} has replaced incarnation ${incarnation}.`;
  return revoked(node, notBeforeMs);
}
