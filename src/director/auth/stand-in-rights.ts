/**
 * What the agent of a worker may say of its cluster while it does not hear the primary: row N17. What it says is decided in src/decide/stand-in.ts.
 *
 * Nobody here can know whether the primary is down; so it may only be said, and nothing may follow from it that the primary would have to undo by more
 * than saying otherwise.
 *
 * I1: it lowers: the phase becomes or stays Degraded or Error and never rises, and no condition becomes True.
 * I2: who manages (primary, term), what runs (release), the license, and what guards against destruction are not a worker's to write.
 */

import { STAND_IN_CONDITIONS } from '../../decide/stand-in.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { API_GROUP } from '../../model/resource.ts';
import { changedOutside, sameJson } from './changes.ts';
import { named, olderOrElsewhere } from './node-rights.ts';
import type { NodeCaller } from './node-rights.ts';
import { isDeleting, numberOf } from './relations.ts';
import type { Right, States, Verdict } from './right.ts';
import { notYours } from './status-section.ts';
import { part, text } from './stored-object.ts';

const SECTIONS = new Set(['phase', 'conditions', 'nodes', 'services', 'workers', 'errorSet', 'eventSet'].map((name) => `status.${name}`));
/** From well to ill. */
const PHASES: readonly string[] = ['Available', 'Degraded', 'Error'];

export const STAND_IN_RIGHTS: readonly Right<NodeCaller>[] = [
  {
    id: 'N17',
    verbs: ['patch', 'update'],
    group: API_GROUP,
    resource: 'clusters',
    subresource: 'status',
    says: `as worker of its own Cluster, once that was available: phase to Degraded or Error, never up, with nodes, services, workers, errorSet, eventSet and the conditions ${STAND_IN_CONDITIONS.join(', ')}, none of them to True; nothing else`,
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? named(asked, caller.node.cluster, 'its own Cluster'),
    refusesContent: lowered,
  },
];

function lowered(caller: NodeCaller, { old, next }: States): Verdict {
  const { node } = caller;
  const stranger = isMember(caller, old);
  if (stranger !== undefined) return stranger;
  const field = changedOutside(old, next, SECTIONS);
  if (field !== undefined) return notYours('a worker', 'clusters', field);
  const [was, becomes] = [part(old, 'status'), part(next, 'status')];
  const [before, after] = [text(was['phase']) ?? '', text(becomes['phase']) ?? ''];
  if (PHASES.indexOf(after) < 1 || PHASES.indexOf(after) < PHASES.indexOf(before))
    return `a worker may only lower status.phase, to Degraded or Error: ${after === '' ? 'nothing' : after} after ${before} is the primary's to say`;
  return raisedCondition(node.cluster, was['conditions'], becomes['conditions']);
}

function isMember({ node, incarnation, relations }: NodeCaller, old: JsonObject): Verdict {
  const status = part(old, 'status');
  if (text(part(old, 'metadata')['uid']) !== node.clusterUid)
    return `this ${node.cluster} is another cluster than the one this node belongs to`;
  if (incarnation !== node.incarnation)
    return `${node.name} is known here at incarnation ${node.incarnation}, this agent is of ${incarnation}`;
  if (text(status['availableAt']) === undefined || isDeleting(old))
    return `${node.cluster} is not a cluster that was available and stays: its status is written by the extension servers`;
  const primary = relations.cluster(node.namespace, node.cluster)?.primary ?? text(status['primary']);
  if (primary === undefined || primary === node.name) return `${node.name} is no worker beside a primary of ${node.cluster}`;
  if (numberOf(status['attempt']) !== node.attempt || node.retired || node.deleting)
    return `${node.name} is not a member of ${node.cluster} any more, or is leaving it`;
  return undefined;
}

function raisedCondition(cluster: string, was: Json | undefined, becomes: Json | undefined): Verdict {
  const [before, after] = [conditionsIn(was), conditionsIn(becomes)];
  const gone = [...before.keys()].find((type) => !after.has(type));
  if (gone !== undefined) return `a worker may not take the condition ${gone} of ${cluster} away`;
  for (const [type, condition] of after) {
    const known = before.get(type);
    if (known !== undefined && sameJson(known, condition)) continue;
    if (!(STAND_IN_CONDITIONS as readonly string[]).includes(type)) return `a worker may not change the condition ${type} of ${cluster}`;
    if (condition['status'] === 'True' && known?.['status'] !== 'True')
      return `a worker may not set the condition ${type} of ${cluster} to True`;
  }
  return undefined;
}

function conditionsIn(list: Json | undefined): ReadonlyMap<string, JsonObject> {
  const conditions = Array.isArray(list) ? list.filter(isJsonObject) : [];
  return new Map(conditions.map((condition) => [text(condition['type']) ?? '', condition]));
}
