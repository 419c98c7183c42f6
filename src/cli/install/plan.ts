/**
 * What installing a part as a service means on this machine: its files, folders and user; and everything that is wrong with what was asked.
 *
 * I1: nothing is planned that would not start: every setting is checked here, before anything is written.
 * I2: settings that are not given stay as the last installation left them, so the same command twice changes nothing.
 * I3: secrets stand in files that root and the part's own user alone may read, never in the unit and never in a command line.
 * I4: the key that seals Secrets is never replaced by another one.
 */

import { Fault } from '../../model/fault.ts';
import type { JsonObject } from '../../model/json.ts';
import { SERVICE_CONFIG, SERVICE_ROLE_FACTS, UNIT_FOLDER, servicePlaces } from '../../model/service-role.ts';
import type { Owner, ServiceRole } from '../../model/service-role.ts';
import { healthListenProblem } from '../../model/network-address.ts';
import { SETTINGS, flagOf, variableOf } from '../../model/settings.ts';
import type { Setting, SettingName } from '../../model/settings.ts';
import type { Files } from '../../ports/files.ts';
import { resolveSettings } from '../settings.ts';
import { environmentText, readEnvironment } from './environment-file.ts';
import { unitText } from './unit.ts';

export interface PlanDeps {
  readonly files: Pick<Files, 'readText' | 'exists'>;
  readonly absolute: (path: string) => string;
  readonly readableByAll: (path: string) => boolean;
  /** The command line that runs this program with these arguments. */
  readonly command: (args: readonly string[]) => readonly string[];
  /** Throw a `Fault` that says what is wrong. */
  readonly checkDatabaseUrl: (url: string) => void;
  readonly checkKubeconfig: (text: string, path: string) => void;
  readonly checkStoreKey: (path: string) => void;
  /** Whether this PEM key is that of this PEM certificate. */
  readonly isKeyOf: (key: string, certificate: string) => boolean;
}

export interface PlannedFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly owner: Owner;
  /** Its text is not for the eyes of whoever looks over a shoulder. */
  readonly isSecret: boolean;
}

export interface InstallPlan {
  readonly role: ServiceRole;
  readonly unit: string;
  readonly user: string;
  readonly folders: readonly { readonly path: string; readonly mode: number; readonly owner: Owner }[];
  readonly files: readonly PlannedFile[];
}

export type GivenSettings = Readonly<Partial<Record<SettingName, unknown>>>;

type Texts = Readonly<Record<string, string>>;

const ROOT: Owner = { user: 'root', group: 'root' };
/** Below these nothing is seen by a service that is shut in. */
const HIDDEN = ['home', 'root', 'run/user', 'tmp', 'var/tmp'];
/** Handed on in a file of their own, or used once: not for the environment. */
const NOT_IN_ENVIRONMENT: readonly SettingName[] = ['kubeconfig', 'storeKeyFile', 'certificate', 'key', 'token', 'caHash'];
/** An agent's settings are for joining; what holds afterwards stands in its node's folder. */
const WITHOUT_ENVIRONMENT: readonly ServiceRole[] = ['agent'];

/** Throws `Fault` SettingInvalid or UsageWrong with a sentence for what is wrong. */
export function planInstall(deps: PlanDeps, role: ServiceRole, given: GivenSettings): InstallPlan {
  const { user, unit, state, environment } = servicePlaces(role);
  const facts = SERVICE_ROLE_FACTS[role];
  const problem = programProblem(deps);
  if (problem !== undefined) throw new Fault('UsageWrong', problem);
  const texts = settledTexts(deps, role, given);
  const own: Owner = { user, group: user };
  const extra = EXTRA[role](deps, { texts, given, own, state });
  const variables = { ...texts, ...extra.variables };
  const readers: Owner = { user: 'root', group: user };
  return {
    role,
    unit,
    user,
    folders: [
      { path: SERVICE_CONFIG, mode: 0o755, owner: ROOT },
      ...(facts.hasState ? [{ path: '/var/lib/outrigger', mode: 0o755, owner: ROOT }] : []),
      ...(facts.hasState ? [{ path: state, mode: 0o700, owner: own }] : []),
      ...(extra.folders ?? []).map((path) => ({ path, mode: 0o700, owner: own })),
    ],
    files: [
      {
        path: `${UNIT_FOLDER}/${unit}`,
        text: unitText(role, deps.command(roleCommand(role))),
        mode: 0o644,
        owner: ROOT,
        isSecret: false,
      },
      { path: environment, text: environmentText(variables), mode: 0o640, owner: readers, isSecret: false },
      ...(extra.files ?? []),
    ],
  };
}

/** What the part's process is called with. */
export function roleCommand(role: ServiceRole): readonly string[] {
  return role === 'agent' ? ['agent', '--dir', `${servicePlaces('agent').state}/node`] : [role];
}

function programProblem({ command, readableByAll }: PlanDeps): string | undefined {
  const program = command([]);
  const hidden = program.find((path) => HIDDEN.some((folder) => path.startsWith(`/${folder}/`)));
  if (hidden !== undefined)
    return `This program lies at ${hidden}, where a service cannot see it; install it for the whole machine (npm install -g outrigger) and run that one.`;
  const closed = program.find((path) => path.startsWith('/') && !readableByAll(path));
  if (closed === undefined) return undefined;
  return `${closed} cannot be read by others than root, and services run as users of their own; open it and the folders above it (chmod a+rX).`;
}

/** Variables of the environment file: what stood there, then what is given; all of it checked as the part itself will. */
function settledTexts({ files, absolute }: PlanDeps, role: ServiceRole, given: GivenSettings): Texts {
  const { environment } = servicePlaces(role);
  const before = readEnvironment(files.readText(environment) ?? '');
  const isTold = (name: SettingName): boolean => !NOT_IN_ENVIRONMENT.includes(name) && !WITHOUT_ENVIRONMENT.includes(role);
  const wanted = SERVICE_ROLE_FACTS[role].settings.filter(isTold);
  const stranger = Object.keys(given).find((name) => !SERVICE_ROLE_FACTS[role].settings.includes(name as SettingName));
  if (stranger !== undefined) throw new Fault('UsageWrong', `${flagOf(stranger as SettingName)} is no setting of the ${role}.`);
  const texts: Record<string, string> = { ...before };
  for (const name of wanted) {
    const value = given[name];
    if (value !== undefined) texts[variableOf(name)] = textOf(SETTINGS[name], value);
  }
  try {
    resolveSettings([...wanted], { flags: {}, env: texts, absolute });
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    throw new Fault('SettingInvalid', `${cause.message}\nNothing was written; the settings so far stand in ${environment}.`, { cause });
  }
  return texts;
}

/** As a variable of the environment has it. */
function textOf(setting: Setting, value: unknown): string {
  if (setting.type === 'duration') return `${String(value)}ms`;
  return Array.isArray(value) ? value.join(',') : String(value);
}

// ---- what each part needs besides its settings --------------------------------------------------------------------------------------------

interface RoleInput {
  readonly texts: Texts;
  readonly given: GivenSettings;
  readonly own: Owner;
  readonly state: string;
}

interface RoleExtra {
  readonly variables?: Texts;
  readonly folders?: readonly string[];
  readonly files?: readonly PlannedFile[];
}

const EXTRA: Readonly<Record<ServiceRole, (deps: PlanDeps, input: RoleInput) => RoleExtra>> = {
  director: directorExtra,
  extension: extensionExtra,
  host: hostExtra,
  agent: agentExtra,
};

function directorExtra(deps: PlanDeps, { texts, given, own, state }: RoleInput): RoleExtra {
  const url = texts[variableOf('databaseUrl')];
  if (url === undefined && texts[variableOf('databaseSocket')] === undefined)
    throw new Fault('UsageWrong', 'A director needs a database: --database-url postgres://USER:PASSWORD@HOST:5432/DATABASE.');
  if (url !== undefined) deps.checkDatabaseUrl(url);
  const key = storeKey(deps, given['storeKeyFile'], `${state}/keys/store.key`, own);
  return {
    variables: { [variableOf('kubeconfig')]: `${state}/kubeconfig` },
    folders: [`${state}/keys`],
    files: key === undefined ? [] : [key],
  };
}

/** The key of the other directors of this database, for one more. */
function storeKey(deps: PlanDeps, source: unknown, target: string, owner: Owner): PlannedFile | undefined {
  if (typeof source !== 'string' || source === target) return undefined;
  const text = deps.files.readText(source);
  if (text === undefined) throw new Fault('SettingInvalid', `--store-key-file ${source} is not there; copy it from a director that runs.`);
  deps.checkStoreKey(source);
  const there = deps.files.readText(target);
  if (there !== undefined && there.trim() !== text.trim())
    throw new Fault(
      'UsageWrong',
      `${target} holds another key than ${source}. Secrets that were sealed with it could not be read any more; if none were, remove that file first.`,
    );
  return { path: target, text, mode: 0o600, owner, isSecret: true };
}

function extensionExtra(deps: PlanDeps, { texts, given, own }: RoleInput): RoleExtra {
  const path = `${SERVICE_CONFIG}/extension.kubeconfig`;
  const source = typeof given['kubeconfig'] === 'string' ? given['kubeconfig'] : path;
  const text = deps.files.readText(source);
  if (text === undefined) {
    const why = source === path ? 'An extension server needs --kubeconfig' : `--kubeconfig ${source} is not there; it must hold`;
    throw new Fault(
      'UsageWrong',
      `${why}: the address of a director and the credentials of the ServiceAccount outrigger-system/extension.`,
    );
  }
  deps.checkKubeconfig(text, source);
  const tls = healthTls(deps, given, own);
  const problem = healthListenProblem(texts[variableOf('healthListen')], tls !== undefined);
  if (problem !== undefined) throw new Fault('SettingInvalid', problem);
  return {
    variables: { [variableOf('kubeconfig')]: path, ...tls?.variables },
    files: [{ path, text, mode: 0o640, owner: { user: 'root', group: own.group }, isSecret: true }, ...(tls?.files ?? [])],
  };
}

/** Certificate and key of the address of its health: those that are given, else those that were given before. Undefined: there are none. */
function healthTls(deps: PlanDeps, given: GivenSettings, own: Owner): Required<Pick<RoleExtra, 'variables' | 'files'>> | undefined {
  const places = { certificate: `${SERVICE_CONFIG}/extension.crt`, key: `${SERVICE_CONFIG}/extension.key` };
  if ((given['certificate'] === undefined) !== (given['key'] === undefined))
    throw new Fault('UsageWrong', '--certificate and --key belong together: name both files, or none.');
  const textFor = (name: 'certificate' | 'key'): string | undefined => {
    const source = given[name];
    if (typeof source !== 'string') return deps.files.readText(places[name]);
    const text = deps.files.readText(source);
    if (text === undefined) throw new Fault('SettingInvalid', `${flagOf(name)} ${source} is not there.`);
    return text;
  };
  const [certificate, key] = [textFor('certificate'), textFor('key')];
  if (certificate === undefined || key === undefined) return undefined;
  if (!deps.isKeyOf(key, certificate)) throw new Fault('SettingInvalid', 'What --key names is not the private key of the certificate.');
  const owner: Owner = { user: 'root', group: own.group };
  return {
    variables: { [variableOf('certificate')]: places.certificate, [variableOf('key')]: places.key },
    files: [
      { path: places.certificate, text: certificate, mode: 0o644, owner, isSecret: false },
      { path: places.key, text: key, mode: 0o640, owner, isSecret: true },
    ],
  };
}

function hostExtra(deps: PlanDeps, { texts, given, own, state }: RoleInput): RoleExtra {
  const [server, name] = [texts[variableOf('server')], texts[variableOf('hostName')]];
  const { token, caHash } = given;
  if (server === undefined || name === undefined)
    throw new Fault('UsageWrong', `A host must know its directors and its name: ${AS_PRINTED} --host NAME" prints them.`);
  if (token === undefined && caHash === undefined && deps.files.exists(`${state}/host/identity/identity.json`)) return {};
  const join = joining({ server, token, caHash }, `${AS_PRINTED} --host ${name}" prints them.`);
  const text = `${JSON.stringify(join)}\n`;
  return {
    folders: [`${state}/host`],
    files: [{ path: `${state}/host/join.json`, text, mode: 0o600, owner: own, isSecret: true }],
  };
}

/** It joins right away, as its own user (apply.ts); a machine that joins later needs nothing. */
function agentExtra(_: PlanDeps, { given }: RoleInput): RoleExtra {
  const { server, token, caHash } = given;
  if (server === undefined && token === undefined && caHash === undefined) return {};
  const told = Array.isArray(server) ? server.join(',') : undefined;
  joining({ server: told, token, caHash }, `${AS_PRINTED} --node NAMESPACE/NAME" prints them.`);
  return {};
}

const AS_PRINTED = 'give --server, --token and --ca-hash as "outrigger token create';

function joining({ server, token, caHash }: { server: string | undefined; token: unknown; caHash: unknown }, remedy: string): JsonObject {
  if (server === undefined || typeof token !== 'string' || typeof caHash !== 'string')
    throw new Fault('UsageWrong', `To join, a director's address, a token and the hash of its CA are needed: ${remedy}`);
  if (!/^sha256:[0-9a-f]{64}$/.test(caHash))
    throw new Fault('SettingInvalid', '--ca-hash must be sha256: and 64 hexadecimal digits, as "outrigger token create" prints it.');
  return { directors: server.split(','), caHash, token };
}
