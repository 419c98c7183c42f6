/**
 * What an address in the network is: of a node (IPv4, IPv6 or a host name) and of an instance (`host:port`).
 *
 * Addresses come from other nodes and from records on disk. One that is none must not get as far as a connection, a URL or a balancer's table.
 *
 * I1: whatever is taken here can be made a URL of and be connected to: `https://HOST:PORT` parses (IPv6 in brackets).
 * I2: pattern and function are the same rule, so what the API takes is taken by nodes as well.
 */

const LABEL = '[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
// The last label begins with a letter: one that is a number would be read as a part of an IPv4 address.
const NAME = `(${LABEL}\\.)*[A-Za-z]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\\.?`;
const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const V4 = `(${OCTET}\\.){3}${OCTET}`;
const H = '[0-9A-Fa-f]{1,4}';
const V6 = [
  `(${H}:){7}${H}`,
  `(${H}:){1,7}:`,
  ...[6, 5, 4, 3, 2, 1].map((left) => `(${H}:){1,${left}}(:${H}){1,${7 - left}}`),
  `:(:${H}){1,7}`,
  '::',
  `(::|::[Ff]{4}:|(${H}:){6})${V4}`,
].join('|');
const PORT = '([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';

/** Longest address, with its port. */
export const ADDRESS_CHARS = 253;
/** Of a node: IPv4, IPv6 (without brackets) or a host name. */
export const HOST_PATTERN = `^(${V4}|${V6}|${NAME})$`;
/** `host:port`; IPv6 with or without brackets. */
export const HOST_PORT_PATTERN = `^(${V4}|\\[(${V6})\\]|${V6}|${NAME}):${PORT}$`;

const HOST = new RegExp(HOST_PATTERN);
const HOST_PORT = new RegExp(HOST_PORT_PATTERN);

export function isHost(value: unknown): value is string {
  return typeof value === 'string' && value.length <= ADDRESS_CHARS && HOST.test(value);
}

export function isHostPort(value: unknown): value is string {
  return typeof value === 'string' && value.length <= ADDRESS_CHARS && HOST_PORT.test(value);
}

/** Parts of `host:port`, the host without brackets; undefined: it is no address. */
export function hostPortOf(address: string): { readonly host: string; readonly port: number } | undefined {
  if (!isHostPort(address)) return undefined;
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

/** What is wrong with an address for health and metrics, as a sentence: beyond this machine only TLS. Undefined: nothing. */
export function healthListenProblem(healthListen: string | undefined, hasTls: boolean): string | undefined {
  if (healthListen === undefined) return undefined;
  const where = hostPortOf(healthListen);
  if (where === undefined) return `--health-listen must be address:port, for example 127.0.0.1:9464; "${healthListen}" is none.`;
  if (hasTls || isLoopback(where.host)) return undefined;
  return `--health-listen ${healthListen} is not on loopback, so it needs TLS: name --certificate and --key, or listen on 127.0.0.1.`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}
