/**
 * What `outrigger status -o json` answers. Fields are only ever added.
 */

export interface PartStatus {
  readonly part: string;
  /** A director may live and answer nobody: stopped, or waiting for something. */
  readonly state: 'Running' | 'Running, does not answer' | 'Gone';
  readonly pid: number;
}

export interface ServiceShown {
  readonly service: string;
  readonly mode: string;
  readonly ready: number;
  readonly desired: number;
  /** Names of nodes. */
  readonly where: readonly string[];
}

export interface ClusterShown {
  /** `namespace/name` */
  readonly cluster: string;
  readonly phase: string;
  /** Whether a person should look. */
  readonly needsPerson: boolean;
  readonly release: string;
  readonly primary: string;
  readonly term: number;
  /** `ready/asked for` */
  readonly workers: string;
  readonly age: string;
  /** What is wrong, or ''. */
  readonly message: string;
  readonly services: readonly ServiceShown[];
  /** How far a change of what runs is. */
  readonly change?: string;
  readonly rolledBack?: string;
  /** Name, and how pairing stands. */
  readonly site?: string;
  readonly frontDoor: readonly string[];
  readonly portal?: string;
  /** Of the license: state and sentence, and days left where they are counted. */
  readonly license?: string;
  readonly licenseDaysLeft?: number;
  /** Drills that have not ended. */
  readonly drills: readonly string[];
}

export interface NodeShown {
  /** `namespace/name` */
  readonly node: string;
  readonly cluster: string;
  readonly role: string;
  readonly host: string;
  readonly machine: string;
  readonly agent: string;
  /** Whether the site hears it. */
  readonly heard: 'yes' | 'no';
  readonly incarnation: number;
  readonly address: string;
  readonly message: string;
}

export interface HostShown {
  readonly host: string;
  readonly ready: string;
  readonly nodes: number;
  readonly capacity: number;
  readonly cordoned: boolean;
  /** Nodes that run there and that this director does not know. */
  readonly unclaimed: readonly string[];
  readonly message: string;
}

/** A node's folder on this machine, read without asking anybody. */
export interface LocalNode {
  readonly folder: string;
  readonly node: string;
  readonly cluster: string;
  readonly role: string;
  readonly incarnation: number;
  readonly address: string;
  readonly agent: 'Running' | 'Gone';
  readonly balancer: 'Running' | 'Gone';
  readonly release: string;
  readonly services: readonly { readonly service: string; readonly mode: string; readonly state: 'Ready' | 'Running' | 'Gone' }[];
  /** Other members, and whether their machine answers from here. */
  readonly members: readonly { readonly node: string; readonly role: string; readonly address: string; readonly answers: boolean }[];
  readonly directors: readonly string[];
  /** How this node stands to the directors, a sentence. */
  readonly tunnel: string;
  readonly license?: string;
  /** Why this life of it is over. */
  readonly over?: string;
  readonly damaged: readonly string[];
}

export interface Status {
  readonly data: string;
  /** The director of this data folder. */
  readonly api: string | undefined;
  /** The kubeconfig that what follows comes from, when it is not the one of the data folder. */
  readonly source?: string | undefined;
  /** The URL that was asked. */
  readonly asked?: string | undefined;
  readonly parts: readonly PartStatus[];
  /** Undefined when the API did not answer; `unreachable` then says why. */
  readonly clusters: readonly ClusterShown[] | undefined;
  readonly nodes: readonly NodeShown[] | undefined;
  readonly hosts: readonly HostShown[] | undefined;
  /** What of the answer is left out because this caller may not see it. */
  readonly hidden?: readonly string[];
  /** Nodes on this machine, when they were asked for or no director answers. */
  readonly local?: readonly LocalNode[];
  readonly unreachable: string | undefined;
}
