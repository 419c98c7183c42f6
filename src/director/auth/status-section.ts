/**
 * Who owns which section of which status: the one table behind "each writer owns its own sections and patches only those".
 *
 * A section is a direct member of `status`. Before a cluster was available the extension servers write all of it; from then on who manages it under
 * which term is the manager's to say (the agent of the primary), and what guards against destruction stays the extension servers' for ever.
 *
 * I1: every member of the status of every kind that several write has a row.
 * I2: availableAt, autoRepair, abandonedAttempt and the attempts are never a node's or host's to write.
 */

export type SectionWriter = 'extension' | 'manager' | 'agent' | 'host' | 'joined' | 'director';

/** `BeforeAvailable`: while status.availableAt is not set, and again once the cluster is being deleted. */
export type SectionTime = 'Always' | 'BeforeAvailable' | 'AfterAvailable';

export interface SectionOwner {
  readonly writer: SectionWriter;
  readonly when: SectionTime;
}

const EXTENSION: SectionOwner = { writer: 'extension', when: 'Always' };
const EXTENSION_BEFORE: SectionOwner = { writer: 'extension', when: 'BeforeAvailable' };
const MANAGER: SectionOwner = { writer: 'manager', when: 'AfterAvailable' };
const AGENT: SectionOwner = { writer: 'agent', when: 'Always' };
const HOST: SectionOwner = { writer: 'host', when: 'Always' };
/** A joined machine has no host daemon: its agent says what a host would. */
const JOINED: SectionOwner = { writer: 'joined', when: 'Always' };
/** What a director writes by itself, at a sync (src/director/license). */
const DIRECTOR: SectionOwner = { writer: 'director', when: 'Always' };

const GUARDS = [EXTENSION];
/** The manager's once it is there; an extension server's before, and again when there is no primary that could speak. */
const SAID_BY_BOTH = [EXTENSION, MANAGER];
const WHAT_RUNS = [EXTENSION_BEFORE, MANAGER];
/** A site is the primary's to speak for, also before the cluster was available; an extension server lets go of it for a cluster that is gone. */
const SITE_BOTH: readonly SectionOwner[] = [EXTENSION, { writer: 'manager', when: 'Always' }];

export const STATUS_SECTIONS: Readonly<Record<string, Readonly<Record<string, readonly SectionOwner[]>>>> = {
  clusters: {
    observedGeneration: SAID_BY_BOTH,
    phase: SAID_BY_BOTH,
    conditions: SAID_BY_BOTH,
    eventSet: SAID_BY_BOTH,
    errorSet: SAID_BY_BOTH,
    availableAt: GUARDS,
    autoRepair: GUARDS,
    attempt: GUARDS,
    abandonedAttempt: GUARDS,
    attempts: GUARDS,
    retryAt: GUARDS,
    primary: WHAT_RUNS,
    term: WHAT_RUNS,
    release: WHAT_RUNS,
    workers: SAID_BY_BOTH,
    nodes: SAID_BY_BOTH,
    services: SAID_BY_BOTH,
    license: [MANAGER],
  },
  clusternodes: { role: [AGENT], agent: [AGENT], infrastructure: [HOST, JOINED] },
  virtualdatacenters: { conditions: GUARDS, reservations: SAID_BY_BOTH, reserved: SAID_BY_BOTH },
  sites: { conditions: SITE_BOTH, cluster: SITE_BOTH, pairing: SITE_BOTH, leftBehind: SITE_BOTH },
  universallicenses: { conditions: [DIRECTOR], sites: [DIRECTOR], use: [DIRECTOR] },
  drills: {
    phase: [AGENT],
    executor: [AGENT],
    message: [AGENT],
    expected: [AGENT],
    startedAt: [AGENT],
    endedAt: [AGENT],
    killed: [AGENT],
    detectedMs: [AGENT],
    recoveredMs: [AGENT],
    errorWindowMs: [AGENT],
    requests: [AGENT],
    promise: [AGENT],
    verdict: [AGENT],
  },
  hosts: {
    conditions: [HOST],
    address: [HOST],
    version: [HOST],
    bootId: [HOST],
    nodes: [HOST],
    used: [HOST],
    unclaimed: [HOST],
    unclaimedNodes: [HOST],
    recordLost: [HOST],
  },
};

const known = new Map<string, ReadonlySet<string>>();

/** `now`: in which time the object is (BeforeAvailable or AfterAvailable; for other kinds it does not matter). */
export function ownedSections(resource: string, writer: SectionWriter, now: SectionTime): ReadonlySet<string> {
  const key = `${resource} ${writer} ${now}`;
  let paths = known.get(key);
  if (paths === undefined) {
    const sections = Object.entries(STATUS_SECTIONS[resource] ?? {});
    paths = new Set(
      sections
        .filter(([, owners]) => owners.some((owner) => owner.writer === writer && covers(owner.when, now)))
        .map(([name]) => `status.${name}`),
    );
    known.set(key, paths);
  }
  return paths;
}

function covers(when: SectionTime, now: SectionTime): boolean {
  return when === 'Always' || when === now;
}

/** Who owns a section, in words; '' when it has no row. */
export function describeOwners(resource: string, section: string): string {
  const owners = STATUS_SECTIONS[resource]?.[section] ?? [];
  return owners.map((owner) => `${OWNER_NAMES[owner.writer]}${TIME_WORDS[owner.when]}`).join(' and ');
}

const TIME_WORDS: Readonly<Record<SectionTime, string>> = {
  Always: '',
  BeforeAvailable: ' until it is available',
  AfterAvailable: ' once it is available',
};

const OWNER_NAMES: Readonly<Record<SectionWriter, string>> = {
  extension: 'the extension servers',
  manager: "the primary's agent",
  agent: "the node's agent",
  host: 'the host daemon',
  joined: 'the agent of a joined machine',
  director: 'the directors themselves',
};

/** A refusal: `field` lies outside of what the writer owns. */
export function notYours(writer: string, resource: string, field: string): string {
  const [top, section = ''] = field.split('.');
  const owners = top === 'status' ? describeOwners(resource, section) : '';
  return `${writer} may not change ${field}${owners === '' ? '' : `, which belongs to ${owners}`}`;
}
