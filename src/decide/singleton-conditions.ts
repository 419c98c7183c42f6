/**
 * BrokerAvailable, MonitoringAvailable and ImagesAvailable of a Cluster: whether what the center does with a site through a singleton works now.
 *
 * One pure function for the manager and the extension servers: a primary that is down takes its singletons along, and cannot say so itself.
 *
 * I1: True exactly when the singleton is installed and an instance of it is ready on the primary.
 * I2: a primary that is not ready or not heard is the reason (PrimaryDown), unless the summary still has a ready instance there: pods outlive the
 *     agent, and their last word holds until somebody knows better.
 * I3: what no release brings is NotInstalled while the primary is well. While it is down that is the reason for all three: even a release that
 *     brings the singleton could not run it now; the sentence says that it is not installed besides.
 * I4: without the release nobody can say what is installed: nothing is said, and what was said last stays.
 */

import type { ClusterStatus } from '../model/cluster.ts';
import type { Condition, ConditionReason, ConditionType } from '../model/condition.ts';
import type { FrameworkService } from '../model/framework.ts';
import type { Service } from '../model/pod.ts';

type Said = readonly [ConditionType, Condition['status'], ConditionReason, string];

interface Center {
  readonly condition: ConditionType;
  /** What stands still without it, as the beginning of a sentence. */
  readonly duty: string;
  /** Undefined: no release has one yet. */
  readonly framework: FrameworkService | undefined;
  readonly missing: string;
}

const CENTERS: readonly Center[] = [
  {
    condition: 'BrokerAvailable',
    duty: 'Brokering of sessions to this site',
    framework: undefined,
    missing: 'This version of Outrigger has no broker-client; sessions are opened at the site itself.',
  },
  {
    condition: 'MonitoringAvailable',
    duty: 'Monitoring of this site',
    framework: 'monitor',
    missing: 'The release has no monitor service; nothing is scraped at this site. Choose a release that has one (spec.release).',
  },
  {
    condition: 'ImagesAvailable',
    duty: 'Image management at this site',
    framework: undefined,
    missing: 'This version of Outrigger has no image-locality; images are brought to the nodes by hand.',
  },
];

/** Of a cluster that was available. `status` must hold the summary; `services`: those of spec and release, undefined when the release is not known. */
export function singletonConditions(status: ClusterStatus, services: readonly Service[] | undefined): readonly Said[] {
  return services === undefined ? [] : CENTERS.map((center) => conditionOf(center, status, services));
}

function conditionOf({ condition, duty, framework, missing }: Center, status: ClusterStatus, services: readonly Service[]): Said {
  const service = framework === undefined ? undefined : services.find((one) => one.framework === framework);
  const down = primaryDown(status);
  const last = service === undefined ? undefined : status.services?.[service.name];
  if (down !== undefined && service !== undefined && (last?.ready ?? 0) > 0 && last?.where?.includes(status.primary ?? '') === true)
    return [condition, 'True', 'ServiceRunning', `${service.name} runs by the last word of its node, but nobody manages it: ${down}.`];
  if (down !== undefined) {
    const why =
      service === undefined
        ? `stands still: singletons run on the primary, and ${down}. Besides: ${missing}`
        : `stands still: ${service.name} runs on the primary, and ${down}. What was kept at the site is caught up when it is back.`;
    return [condition, 'False', 'PrimaryDown', `${duty} ${why}`];
  }
  if (service === undefined) return [condition, 'False', 'NotInstalled', missing];
  if ((last?.ready ?? 0) > 0) return [condition, 'True', 'ServiceRunning', `${service.name} runs on ${(last?.where ?? []).join(', ')}.`];
  const message = `${duty} stands still: no instance of ${service.name} is ready; it is started again by itself, else look at the logs of its pod.`;
  return [condition, 'False', 'ServiceNotReady', message];
}

/** Why the primary cannot run singletons now, as the end of a sentence; undefined: it can. */
function primaryDown({ primary, nodes }: ClusterStatus): string | undefined {
  if (primary === undefined) return 'this cluster has no primary now';
  const node = nodes?.[primary];
  if (node?.ready === true) return undefined;
  return `the primary ${primary} is not ready: ${node?.message ?? 'it is not there'}`;
}
