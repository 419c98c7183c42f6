/**
 * What a machine is: its disk (what an agent remembers), its agent and its pods.
 */

import type { PeerRoute } from '../src/agent/peer-link.ts';
import type { SiteRecord } from '../src/agent/site-record.ts';
import type { AgentStatus } from '../src/decide/agent-duty.ts';
import type { Membership } from '../src/decide/authority.ts';
import type { ListedPod } from '../src/decide/service-machine.ts';
import type { Process } from './process.ts';

/** What one life of an agent has at the network of its site (lan.ts). */
export interface LanPort {
  readonly routes: Map<string, PeerRoute>;
  /** The newest word of this node. */
  word: AgentStatus | undefined;
  readonly hear: (from: Machine, word: AgentStatus) => void;
}

/** Whether the pod of a service that is supervised is ready, and since when. */
export interface Serving {
  readonly hash: string | undefined;
  readonly ready: boolean;
  readonly sinceMs: number;
}

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
  /** Its host has lost its record of it: nobody there starts or stops anything of it any more. */
  isForgotten?: true;
  /** Told when a pod of a service exited; the agent that lives now listens. */
  exited: (service: string) => void;
  /** Absent: no agent has run here yet. */
  lan?: LanPort;
  /** By service. */
  readonly serving: Map<string, Serving>;
  /** Service → pods of it, dead ones too. */
  readonly pods: Map<string, Map<string, ListedPod>>;
  /** What the agent keeps on disk. */
  readonly disk: {
    isMember: boolean;
    membership: Membership | undefined;
    slots: Record<string, number>;
    ready: Record<string, { hash: string; ready: boolean }>;
    site: SiteRecord | undefined;
    /** Records of the keeper of changes, by name. */
    readonly kept: Record<string, unknown>;
  };
}
