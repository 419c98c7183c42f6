/**
 * Joined machines: how a ClusterNode says that it waits for one, and that one holds it; and what people type.
 *
 * I1: a machine's name can be no Host's: `spec.host` tells the two apart by its prefix.
 */

/** `spec.host` of a ClusterNode that a joined machine holds: this, and the machine's own name. A Host's name holds no colon. */
export const MACHINE_PREFIX = 'joined:';
/** At most 56 characters: with the prefix it fits into `spec.host`. */
const MACHINE_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,54}[a-z0-9])?$/;
const STEM_CHARS = 40;

export function isMachineName(text: string): boolean {
  return MACHINE_NAME.test(text);
}

/** The machine that holds a node, by its `spec.host`; undefined: a host does, or nobody. */
export function machineHolding(host: string | undefined): string | undefined {
  return host?.startsWith(MACHINE_PREFIX) === true ? host.slice(MACHINE_PREFIX.length) : undefined;
}

/** Who holds a node, for a sentence. */
export function holderText(host: string | undefined): string {
  const machine = machineHolding(host);
  return machine === undefined ? `host ${host}` : `the joined machine ${machine}`;
}

/** A name for this machine: its host name, for people, and `suffix` (8 lower-case characters or digits), because host names are not unique. */
export function machineName(hostName: string, suffix: string): string {
  const stem = hostName
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, STEM_CHARS)
    .replaceAll(/^-+|-+$/g, '');
  return `${stem === '' ? 'machine' : stem}.${suffix}`;
}

/** What a person types, where the credentials are, to let a machine in. */
export function tokenCommand(namespace: string, node: string): string {
  return `outrigger token create --node ${namespace}/${node}`;
}
