/**
 * What a machine is: its disk (what an agent remembers), its agent and its pods.
 */

import type { SiteRecord } from '../src/agent/site-record.ts';
import type { Membership } from '../src/decide/authority.ts';
import type { ListedPod } from '../src/decide/service-machine.ts';
import type { Process } from './process.ts';

export interface Machine {
  readonly host: string;
  readonly namespace: string;
  readonly node: string;
  readonly nodeUid: string;
  readonly incarnation: number;
  readonly cluster: string;
  readonly clusterUid: string;
  readonly index: number;
  readonly role: 'Primary' | 'Worker';
  readonly agent: Process;
  /** Something of it runs, or may be started again by its host without asking anybody. */
  isAlive: boolean;
  /** Told when a pod of a service exited; the agent that lives now listens. */
  exited: (service: string) => void;
  /** Service → pods of it, dead ones too. */
  readonly pods: Map<string, Map<string, ListedPod>>;
  /** What the agent keeps on disk. */
  readonly disk: {
    isMember: boolean;
    membership: Membership | undefined;
    slots: Record<string, number>;
    ready: Record<string, { hash: string; ready: boolean }>;
    site: SiteRecord | undefined;
  };
}
