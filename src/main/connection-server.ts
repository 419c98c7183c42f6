/**
 * `outrigger connection-server`: composed. Its certificate, its account, its back end.
 *
 * I1: the password comes from a file or a variable and never from the command line.
 * I2: what it is started with is checked before it listens, and refused with a sentence.
 */

import type { Command } from 'commander';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { PORTS } from '../model/ports.ts';
import type { SettingName, SettingValues } from '../model/settings.ts';
import { certificates, certificateThumbprint, isKeyOf } from '../platform/certificate.ts';
import { systemClock } from '../platform/clock.ts';
import { sha256Hex } from '../platform/digest.ts';
import { systemFiles } from '../platform/files.ts';
import { listenHttp } from '../platform/http-server.ts';
import { readLicenseToken } from '../platform/license-token.ts';
import { createLog } from '../platform/log.ts';
import { bootId } from '../platform/process-id.ts';
import { programVersion } from '../platform/program.ts';
import { systemRandom } from '../platform/random.ts';
import { ensureServerIdentity, serverIdentityFiles } from '../platform/server-identity.ts';
import { sessionRelay } from '../platform/session-relay.ts';
import type { TlsIdentity } from '../ports/http.ts';
import { runConnectionServer } from '../services/connection-server/server.ts';
import { addCommand } from './command.ts';

const CONNECTION_SERVER_SETTINGS = [
  'data',
  'port',
  'listen',
  'name',
  'backend',
  'capacity',
  'idleTimeout',
  'account',
  'accountPasswordFile',
  'certificate',
  'key',
  'licenseAuthority',
  'logLevel',
] as const satisfies readonly SettingName[];
type Options = SettingValues<(typeof CONNECTION_SERVER_SETTINGS)[number]>;

const PASSWORD_VARIABLE = 'OUTRIGGER_ACCOUNT_PASSWORD';
const PASSWORD_MIN_CHARS = 8;

export function registerConnectionServer(program: Command): void {
  addCommand(program, {
    name: 'connection-server',
    summary: 'Run a connection server: sessions in front of a TCP service',
    description:
      'A small HTTPS service that a site is paired with; docs/reference/connection-server.md describes it.\n' +
      'Without --certificate it makes its own at the first start and logs the thumbprint that a person accepts.',
    examples: [
      ['outrigger connection-server --backend 10.0.0.7:3389 --account-password-file password.txt', 'serve that back end on port 9443'],
      ['OUTRIGGER_ACCOUNT_PASSWORD=… outrigger connection-server --backend 10.0.0.7:3389 --listen 0.0.0.0', 'for all of this machine'],
    ],
    settings: CONNECTION_SERVER_SETTINGS,
    daemon: true,
    run: async ({ settings, signal }) => await run(settings, signal),
  });
}

async function run(options: Options, signal: AbortSignal): Promise<ExitCode> {
  const log = createLog({ role: 'connection-server', level: options.logLevel }).with({ name: options.name });
  const backend = backendOf(options.backend);
  const account = { user: options.account, password: passwordOf(options) };
  const licenseAuthority = authorityOf(options);
  const tls = await identityOf(options);
  const [clock, random] = [systemClock(), systemRandom()];
  const deps = { clock, random, log, listen: listenHttp, relay: sessionRelay(), digest: sha256Hex, readLicenseToken, bootId: bootId() };
  const thumbprint = certificateThumbprint(tls.certificate);
  const started = { thumbprint, backend: `${backend.host}:${backend.port}`, version: programVersion() };
  await runConnectionServer(
    deps,
    {
      name: options.name,
      version: programVersion(),
      host: options.listen,
      port: options.port ?? PORTS.connectionServer,
      backend,
      capacity: options.capacity,
      idleTimeoutMs: options.idleTimeout,
      account,
      tls,
      licenseAuthority,
    },
    (port) => log.info('The connection server is ready.', { address: options.listen, port, ...started }),
    signal,
  );
  log.info('The connection server has stopped.');
  return 0;
}

function backendOf(text: string | undefined): { readonly host: string; readonly port: number } {
  const [, v6, name, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/@]+)):(\d{1,5})$/.exec(text ?? '') ?? [];
  const host = v6 ?? name;
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return { host, port: Number(port) };
  const given = text === undefined ? 'a connection server needs the TCP service behind it' : `"${text}" is no address`;
  throw new Fault('UsageWrong', `--backend must be host:port, for example 10.0.0.7:3389; ${given}.`);
}

function passwordOf({ accountPasswordFile: file }: Options): string {
  const variable = process.env[PASSWORD_VARIABLE] ?? '';
  const text = file === undefined ? variable : readNeeded(file, 'the password of the account');
  const password = text.split(/\r?\n/, 1)[0] ?? '';
  const from = file ?? PASSWORD_VARIABLE;
  if (file === undefined && variable === '')
    throw new Fault(
      'UsageWrong',
      `A connection server needs the password of its account: --account-password-file with a file that holds it, or the variable ${PASSWORD_VARIABLE}.`,
    );
  if (password.length < PASSWORD_MIN_CHARS)
    throw new Fault('SettingInvalid', `The password in ${from} is shorter than ${PASSWORD_MIN_CHARS} characters; choose a longer one.`);
  return password;
}

function authorityOf({ licenseAuthority: file }: Options): string | undefined {
  if (file === undefined) return undefined;
  const pem = readNeeded(file, 'the license authority');
  if (certificates().read(pem)?.isAuthority === true) return pem;
  throw new Fault(
    'SettingInvalid',
    `${file} is not the certificate of an authority in PEM; name the control plane's CA with --license-authority.`,
  );
}

async function identityOf(options: Options): Promise<TlsIdentity> {
  const { certificate, key, data, listen, name } = options;
  if ((certificate === undefined) !== (key === undefined))
    throw new Fault('UsageWrong', '--certificate and --key belong together: name both files, or none, and a certificate is made.');
  if (certificate === undefined) await ensureServerIdentity(data, name, ['localhost', '127.0.0.1', listen]);
  const own = serverIdentityFiles(data);
  const files = { certificate: certificate ?? own.certificate, key: key ?? own.key };
  const identity = { certificate: readNeeded(files.certificate, 'the certificate'), key: readNeeded(files.key, 'the private key') };
  if (certificates().read(identity.certificate) === undefined)
    throw new Fault('SettingInvalid', `${files.certificate} holds no certificate in PEM that can be read.`);
  if (!isKeyOf(identity.key, identity.certificate))
    throw new Fault('SettingInvalid', `${files.key} is not the private key of the certificate in ${files.certificate}.`);
  return identity;
}

function readNeeded(file: string, what: string): string {
  const text = systemFiles().readText(file);
  if (text === undefined) throw new Fault('SettingInvalid', `There is no file ${file} with ${what}.`);
  return text;
}
