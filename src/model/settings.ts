/**
 * Every setting, in one table: what it means, its type, its default.
 *
 * A setting `leaseTtlMs` is the flag `--lease-ttl-ms`, the variable `OUTRIGGER_LEASE_TTL_MS` and the key `leaseTtlMs` in
 * `<data>/config.yaml`; the first of these that is given holds. Flags are offered only by the commands that use the setting; variables and
 * the file are read by all, so that one file serves all parts of a machine.
 *
 * I1: the three spellings follow from the name alone, and no two settings share one.
 * I2: a name that is neither here nor in MARKS is refused wherever it is met, with the nearest one suggested.
 */

import { BALANCER_CHOICES } from './balancer-choice.ts';

interface CommonSetting {
  /** A phrase for `--help`; it goes on after the flag. */
  readonly help: string;
  /** True: only a flag or a variable may give it; config.yaml may not (it would lie in a file for all to read, or comes too late). */
  readonly notInFile?: true;
}

interface TextSetting extends CommonSetting {
  /** path: made absolute against the working folder. url: checked. name: a DNS label. list: comma separated. */
  readonly type: 'text' | 'path' | 'url' | 'name';
  readonly default?: string;
}

interface ListSetting extends CommonSetting {
  readonly type: 'urls';
  readonly default?: readonly string[];
}

interface CountSetting extends CommonSetting {
  readonly type: 'count';
  readonly minimum: number;
  readonly maximum: number;
  readonly default?: number;
}

/** Text like `90s`, `24h` or `500ms`; the value is in ms. */
interface DurationSetting extends CommonSetting {
  readonly type: 'duration';
  readonly minimumMs: number;
  readonly maximumMs: number;
  readonly default?: number;
}

interface SwitchSetting extends CommonSetting {
  /** A flag without a value; `--no-…` when the default is true. */
  readonly type: 'switch';
  readonly default: boolean;
}

interface ChoiceSetting extends CommonSetting {
  readonly type: 'choice';
  readonly choices: readonly string[];
  readonly default?: string;
}

export type Setting = TextSetting | ListSetting | CountSetting | DurationSetting | SwitchSetting | ChoiceSetting;

export const SETTINGS = {
  data: { type: 'path', default: '.outrigger', notInFile: true, help: 'folder for everything that must survive' },
  // No default here: without it the port of the last time holds, else PORTS.director.
  port: {
    type: 'count',
    minimum: 0,
    maximum: 65_535,
    help: 'where it listens (the API: 7443, or as the last time; a connection server: 9443); 0 picks a free port',
  },
  listen: { type: 'text', default: '127.0.0.1', help: 'address to listen on; 0.0.0.0 for all of this machine' },
  extensionServers: { type: 'count', minimum: 0, maximum: 16, default: 2, help: 'how many extension servers to run; 0: you run your own' },
  sample: { type: 'switch', default: true, help: 'make the sample cluster demo/harbor at the first start' },
  day: {
    type: 'duration',
    minimumMs: 100,
    maximumMs: 24 * 3600 * 1000,
    default: 24 * 3600 * 1000,
    help: 'how long a day of license time takes, for watching (2s: a month in a minute); certificates are not touched',
  },
  logLevel: { type: 'choice', choices: ['debug', 'info', 'warn', 'error'], default: 'info', help: 'how much to log' },
  kubeconfig: { type: 'path', help: 'credentials and address of the API, as kubectl uses them' },
  server: { type: 'urls', help: 'addresses of directors, comma separated (https://…)' },
  advertise: {
    type: 'url',
    help: "this director's own address, by which nodes and other directors' callers dial it (the only one of --server, else where it listens)",
  },
  token: { type: 'text', notInFile: true, help: 'single-use token to join with (outrigger token create)' },
  caHash: { type: 'text', help: "hash of the control plane's public key, sha256:…, to know it by" },
  hostName: { type: 'name', help: 'name of this machine as a Host' },
  nodeSilence: {
    type: 'duration',
    minimumMs: 1_000,
    maximumMs: 24 * 3600 * 1000,
    help: 'for trying: an agent that is silent and idle for so long is restarted, whatever the preset of its cluster says (spec.availability.nodeRestart)',
  },
  leaseRenew: {
    type: 'duration',
    minimumMs: 1_000,
    maximumMs: 10 * 60 * 1000,
    default: 60_000,
    help: 'how often this host and the agents of its nodes show that they live; after three times as long without a sign they count as silent',
  },
  // No default here: a host takes auto, `outrigger up` the relay.
  balancer: {
    type: 'choice',
    choices: BALANCER_CHOICES,
    help: "what balances the services of this machine's nodes: auto takes HAProxy where it is installed, else Outrigger's own relay",
  },
  identity: { type: 'name', help: 'name of this server among its like' },
  healthListen: {
    type: 'text',
    help: "address:port of an extension server's own for /livez, /readyz and /metrics (none unless given); beyond loopback with --certificate and --key",
  },
  otlpEndpoint: {
    type: 'text',
    help: 'where traces of creations go, by OpenTelemetry (OTLP over HTTP): http://collector.example:4318; none unless given',
  },
  databaseUrl: { type: 'text', notInFile: true, help: 'a PostgreSQL server to use, postgres://…' },
  databaseSocket: { type: 'path', help: "folder of the embedded PostgreSQL's socket" },
  storeKeyFile: { type: 'path', help: 'where the key lies that seals Secrets' },
  name: { type: 'name', default: 'connection-server', help: 'name of this server, for people' },
  backend: { type: 'text', help: 'TCP service behind the connection server, host:port' },
  capacity: { type: 'count', minimum: 1, maximum: 10_000, default: 100, help: 'most sessions at a time' },
  idleTimeout: {
    type: 'duration',
    minimumMs: 1_000,
    maximumMs: 24 * 3600 * 1000,
    default: 30 * 60 * 1000,
    help: 'a session over which no byte went for so long is ended',
  },
  account: { type: 'text', default: 'outrigger', help: "user name of the site's account" },
  accountPasswordFile: { type: 'path', help: 'file with the password of the account; or the variable OUTRIGGER_ACCOUNT_PASSWORD' },
  certificate: { type: 'path', help: 'certificate of the server, a PEM file (made by itself when absent)' },
  key: { type: 'path', help: 'private key of the certificate, a PEM file' },
  licenseAuthority: { type: 'path', help: "the control plane's CA, a PEM file: then only licenses that it vouches for are taken" },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

type BaseValue<S> = S extends { readonly type: 'count' | 'duration' }
  ? number
  : S extends { readonly type: 'switch' }
    ? boolean
    : S extends { readonly type: 'urls' }
      ? readonly string[]
      : S extends { readonly type: 'choice'; readonly choices: readonly (infer C)[] }
        ? C
        : string;

/** The value of a setting as commands see it; undefined when it has no default and nobody gave it. */
export type SettingValue<N extends SettingName> =
  | BaseValue<(typeof SETTINGS)[N]>
  | ((typeof SETTINGS)[N] extends { readonly default: unknown } ? never : undefined);

export type SettingValues<N extends SettingName> = { readonly [K in N]: SettingValue<K> };

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** Names that begin like a setting's variable and are none: marks on processes, what pods are told, switches of tools. */
export const MARKS = {
  OUTRIGGER_ROLE:
    'what a process is: up, director, extension, host, agent, balancer, haproxy, pod, drill, postgres, connection-server, desktop',
  OUTRIGGER_POD: 'pod that a process belongs to',
  OUTRIGGER_CONTAINER: 'container of the pod that a process belongs to',
  OUTRIGGER_NODE: 'uid of the node that a process belongs to',
  OUTRIGGER_DRILL: 'uid of the drill that a process carries out',
  OUTRIGGER_NODE_FOLDER: 'folder of the node, for framework services only',
  OUTRIGGER_PROGRAM: 'this very program, for framework services only',
  OUTRIGGER_EXAMPLES: 'folder of the example services, for pods of the process runtime',
  OUTRIGGER_SERVICE: 'service that a pod is an instance of',
  OUTRIGGER_CLUSTER: 'cluster that a pod belongs to, <namespace>/<name>',
  OUTRIGGER_RELEASE: 'release that a pod belongs to',
  OUTRIGGER_TERM: "the primary's term under which a singleton was started, to fence with",
  OUTRIGGER_ACCOUNT_PASSWORD: "password of a connection server's account; a variable only, never a flag",
  OUTRIGGER_FAULT_AFTER_WRITE: 'in tests: at which of its writes an extension server kills itself, 3 or 3:before',
  OUTRIGGER_TEST_FAULTS: 'in tests: without it the variable above refuses the start',
  OUTRIGGER_SEED: 'repeats a failure of the simulator or of a property test',
} as const;

/** `extensionServers` → `--extension-servers`. A switch that is on by default is offered as its negation. */
export function flagOf(name: SettingName): string {
  const row: Setting = SETTINGS[name];
  const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return row.type === 'switch' && row.default ? `--no-${kebab}` : `--${kebab}`;
}

/** `extensionServers` → `OUTRIGGER_EXTENSION_SERVERS`. */
export function variableOf(name: SettingName): string {
  return `OUTRIGGER_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
