/**
 * Names of writes, for coverage: the effect that a call carries out, told by what it writes.
 */

import type { JsonObject } from '../src/model/json.ts';
import { ANNOTATION_VOUCHED_DEAD } from '../src/model/labels.ts';

export type WriteShape =
  | { readonly verb: 'create'; readonly plural: string }
  | { readonly verb: 'delete'; readonly plural: string }
  | { readonly verb: 'patch'; readonly plural: string; readonly patch: JsonObject };

/** `other` for what is no effect of ours (Events). `writer`: name of the process. */
export function nameOfWrite(shape: WriteShape, writer: string): string {
  if (shape.verb === 'create') return shape.plural === 'clusternodes' ? 'CreateNode' : 'other';
  if (shape.verb === 'delete') return shape.plural === 'clusternodes' ? 'DeleteNode' : 'other';
  const { patch } = shape;
  const part = (name: string): JsonObject | undefined => patch[name] as JsonObject | undefined;
  switch (shape.plural) {
    case 'clusters':
      return clusterWrite(part('metadata'), part('status'));
    case 'clusternodes':
      return nodeWrite(part('metadata'), part('spec'), part('status'));
    case 'virtualdatacenters':
      return Object.values((part('status')?.['reservations'] ?? {}) as JsonObject).some((entry) => entry === null)
        ? 'Unreserve'
        : 'Reserve';
    case 'sites':
      return siteWrite(part('status'), writer);
    default:
      return 'other';
  }
}

/** The agent takes its own plug away, an extension server that of a cluster that cannot. */
function siteWrite(status: JsonObject | undefined, writer: string): string {
  if (status?.['cluster'] === null) return writer.startsWith('server') ? 'ReleaseSite' : 'UnplugSite';
  return status?.['cluster'] === undefined ? 'ReportSite' : 'ClaimSite';
}

function clusterWrite(metadata: JsonObject | undefined, status: JsonObject | undefined): string {
  const finalizers = metadata?.['finalizers'];
  if (Array.isArray(finalizers)) return finalizers.length === 0 ? 'DropClusterFinalizer' : 'SetClusterFinalizer';
  if (status === undefined) return 'other';
  if ('abandonedAttempt' in status) return 'Abandon';
  return 'availableAt' in status ? 'BecomeAvailable' : 'PatchClusterStatus';
}

function nodeWrite(metadata: JsonObject | undefined, spec: JsonObject | undefined, status: JsonObject | undefined): string {
  if (spec?.['retired'] === true) return 'RetireNode';
  if (spec?.['incarnation'] !== undefined) return 'RaiseIncarnation';
  if (spec?.['host'] !== undefined) return 'Claim';
  if (Array.isArray(metadata?.['finalizers'])) return 'DropNodeFinalizer';
  const annotations = metadata?.['annotations'] as JsonObject | undefined;
  if (annotations?.[ANNOTATION_VOUCHED_DEAD] !== undefined) return 'VouchNodeDead';
  if (annotations !== undefined) return 'ConfirmNodeDead';
  if (status?.['infrastructure'] !== undefined) return 'ReportMachine';
  return status?.['agent'] === undefined ? 'other' : 'ReportAgent';
}
