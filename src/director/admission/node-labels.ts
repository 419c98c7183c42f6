/**
 * The label by which the nodes of a cluster are found stays as it is: a node that lost it would run on unseen, and its successor beside it.
 *
 * The label is metadata, which no rule of the schema reaches. A node that never had it is left alone.
 */

import { LABEL_CLUSTER_UID } from '../../model/labels.ts';
import { API_GROUP } from '../../model/resource.ts';
import { metadataOf } from '../api/metadata.ts';
import { subjectOf } from '../api/resource-type.ts';
import { forbidden } from '../api/status.ts';
import type { AdmissionRule } from './admission.ts';
import type { JsonObject } from '../../model/json.ts';
import { isJsonObject } from '../../model/json.ts';

export const nodeLabelRule: AdmissionRule = ({ type, operation, name, old, next }) => {
  if (operation !== 'update' || type.group !== API_GROUP || type.plural !== 'clusternodes' || old === undefined) return undefined;
  const before = labelOf(old);
  if (before === undefined || (next !== undefined && labelOf(next) === before)) return undefined;
  return forbidden(
    subjectOf(type, name),
    `the label ${LABEL_CLUSTER_UID} cannot be changed or taken off: the nodes of a cluster are found by it, and this one would run on unseen`,
  );
};

function labelOf(object: JsonObject): unknown {
  const labels = metadataOf(object)['labels'];
  return labels !== undefined && isJsonObject(labels) ? labels[LABEL_CLUSTER_UID] : undefined;
}
