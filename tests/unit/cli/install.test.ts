/**
 * What installing a part plans, and what it refuses before anything is written.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { environmentText, readEnvironment } from '../../../src/cli/install/environment-file.ts';
import { describePlan } from '../../../src/cli/install/apply.ts';
import { planInstall } from '../../../src/cli/install/plan.ts';
import type { GivenSettings, InstallPlan, PlanDeps } from '../../../src/cli/install/plan.ts';
import { unitText } from '../../../src/cli/install/unit.ts';
import { Fault } from '../../../src/model/fault.ts';
import { SERVICE_ROLES, SERVICE_ROLE_FACTS } from '../../../src/model/service-role.ts';
import type { ServiceRole } from '../../../src/model/service-role.ts';

/** Below the folder of somebody's own things. */
const AT_HOME = ['', 'home', 'ann', 'outrigger.js'].join('/');
const HASH = `sha256:${'a'.repeat(64)}`;
const JOIN = { server: ['https://d1:7443', 'https://d2:7443'], token: 'demo.secret', caHash: HASH };

function plan(
  role: ServiceRole,
  given: GivenSettings,
  files: Readonly<Record<string, string>> = {},
  more: Partial<PlanDeps> = {},
): InstallPlan {
  return planInstall(
    {
      files: { readText: (path) => files[path], exists: (path) => files[path] !== undefined },
      absolute: (path) => path,
      readableByAll: () => true,
      command: (args) => ['/usr/bin/node', '/usr/lib/outrigger.js', ...args],
      checkDatabaseUrl: () => undefined,
      checkKubeconfig: () => undefined,
      checkStoreKey: () => undefined,
      isKeyOf: (key, certificate) => key === `key of ${certificate}`,
      ...more,
    },
    role,
    given,
  );
}

function textOf({ files }: InstallPlan, path: string): string {
  return files.find((file) => file.path === path)?.text ?? assert.fail(`${path} is not planned`);
}

function refused(pattern: RegExp, ...args: Parameters<typeof plan>): void {
  assert.throws(
    () => plan(...args),
    (cause) => cause instanceof Fault && pattern.test(cause.message) && cause.row.exit === 2,
  );
}

describe('install: plan', () => {
  test('an extension server that is looked at from elsewhere has certificate and key, which stay until others are given', () => {
    const kube = { '/k': 'kubeconfig', '/c': 'cert', '/y': 'key of cert', '/z': 'key of another' };
    const given = { kubeconfig: '/k', healthListen: '0.0.0.0:9464', certificate: '/c', key: '/y' };
    const made = plan('extension', given, kube);
    assert.match(textOf(made, '/etc/outrigger/extension.env'), /OUTRIGGER_CERTIFICATE=.*extension\.crt[^]*OUTRIGGER_KEY=.*extension\.key/);
    const { mode, owner, isSecret } = made.files.find(({ path }) => path === '/etc/outrigger/extension.key') ?? {};
    assert.deepEqual([mode, owner, isSecret], [0o640, { user: 'root', group: 'outrigger-extension' }, true]);
    const installed = Object.fromEntries(made.files.map(({ path, text }) => [path, text]));
    const again = plan('extension', { logLevel: 'debug' }, installed);
    assert.equal(textOf(again, '/etc/outrigger/extension.key'), 'key of cert');
    assert.match(textOf(again, '/etc/outrigger/extension.env'), /OUTRIGGER_KEY=/);
    refused(/belong together/, 'extension', { kubeconfig: '/k', certificate: '/c' }, kube);
    refused(/--certificate \/none is not there/, 'extension', { ...given, certificate: '/none' }, kube);
    refused(/not the private key of the certificate/, 'extension', { ...given, key: '/z' }, kube);
    refused(/not on loopback, so it needs TLS/, 'extension', { kubeconfig: '/k', healthListen: '0.0.0.0:9464' }, kube);
    refused(/must be address:port/, 'extension', { kubeconfig: '/k', healthListen: 'here' }, kube);
    plan('extension', { kubeconfig: '/k', healthListen: '127.0.0.1:9464' }, kube);
  });

  test('I1: what would not start is refused with a sentence', () => {
    refused(/A director needs a database: --database-url/, 'director', {});
    refused(/An extension server needs --kubeconfig/, 'extension', {});
    refused(/--kubeconfig \/nowhere is not there/, 'extension', { kubeconfig: '/nowhere' });
    refused(/A host must know its directors and its name/, 'host', { server: ['https://d:1'] });
    refused(/To join, .*outrigger token create --host rack1/, 'host', { server: ['https://d:1'], hostName: 'rack1' });
    refused(/--ca-hash must be sha256:/, 'host', { ...JOIN, hostName: 'rack1', caHash: 'sha256:xyz' });
    refused(/To join, .*--node NAMESPACE\/NAME/, 'agent', { server: ['https://d:1'] });
    refused(/--host-name is no setting of the extension/, 'extension', { hostName: 'a' });
    refused(
      /lies at \/home\/ann\/outrigger\.js, where a service cannot see it/,
      'agent',
      {},
      {},
      { command: () => ['/usr/bin/node', AT_HOME] },
    );
    refused(/cannot be read by others than root/, 'agent', {}, {}, { readableByAll: (path) => path.endsWith('node') });
  });

  test('I1: settings of the last time are checked too', () => {
    const before = { '/etc/outrigger/director.env': 'OUTRIGGER_LOG_LEVEL="loud"\nOUTRIGGER_PROT="1"\n' };
    refused(/OUTRIGGER_LOG_LEVEL must be one of.*\n?.*Nothing was written/s, 'director', { databaseUrl: 'postgres://db/x' }, before);
    refused(
      /OUTRIGGER_PROT is no setting of Outrigger\. Did you mean OUTRIGGER_PORT\?/,
      'director',
      { databaseUrl: 'postgres://db/x' },
      before,
    );
  });

  test('I2: settings that are not given stay, and the same command twice plans the same', () => {
    const path = '/etc/outrigger/director.env';
    const one = textOf(plan('director', { databaseUrl: 'postgres://db/x', port: 7000, server: ['https://a:1', 'https://b:2'] }), path);
    const two = textOf(plan('director', { logLevel: 'debug' }, { [path]: one }), path);
    assert.deepEqual(readEnvironment(two), {
      OUTRIGGER_DATABASE_URL: 'postgres://db/x',
      OUTRIGGER_PORT: '7000',
      OUTRIGGER_SERVER: 'https://a:1,https://b:2',
      OUTRIGGER_LOG_LEVEL: 'debug',
      OUTRIGGER_KUBECONFIG: '/var/lib/outrigger/director/kubeconfig',
    });
    assert.equal(textOf(plan('director', { logLevel: 'debug' }, { [path]: two }), path), two);
  });

  test('I3: tokens and keys are in files of their own, that nobody else may read', () => {
    const host = plan('host', { ...JOIN, hostName: 'rack1', leaseRenew: 2000 });
    for (const file of host.files)
      assert.equal(file.text.includes('demo.secret'), file.path === '/var/lib/outrigger/host/host/join.json', file.path);
    const join = host.files.find(({ path }) => path.endsWith('join.json'));
    assert.deepEqual([join?.mode, join?.owner.user, join?.isSecret], [0o600, 'outrigger-host', true]);
    assert.match(textOf(host, '/etc/outrigger/host.env'), /OUTRIGGER_LEASE_RENEW="2000ms"/);
    const director = plan('director', { databaseUrl: 'postgres://me:hush@db/x' });
    assert.ok(!describePlan(director).includes('hush'));
    assert.ok(director.files.every(({ path, mode }) => path.endsWith('.service') || (mode & 0o007) === 0));
  });

  test('a host that has joined needs no token', () => {
    const files = { '/var/lib/outrigger/host/host/identity/identity.json': '{}' };
    assert.ok(plan('host', { server: ['https://d:1'], hostName: 'rack1' }, files).files.every(({ path }) => !path.endsWith('join.json')));
  });

  test('I4: the key that seals Secrets is never replaced by another one', () => {
    const kept = '/var/lib/outrigger/director/keys/store.key';
    const given = { databaseUrl: 'postgres://db/x', storeKeyFile: '/given' };
    assert.equal(textOf(plan('director', given, { '/given': 'key\n' }), kept), 'key\n');
    assert.equal(textOf(plan('director', given, { '/given': 'key\n', [kept]: 'key\n' }), kept), 'key\n');
    refused(/holds another key/, 'director', given, { '/given': 'key\n', [kept]: 'other\n' });
    refused(/--store-key-file \/given is not there/, 'director', given);
  });
});

describe('install: unit and environment file', () => {
  test('I1, I3 (unit): started again for ever; what outlives a part is left alone', () => {
    for (const role of SERVICE_ROLES) {
      const text = unitText(role, ['/usr/bin/node', '/x']);
      for (const line of ['Type=notify', 'Restart=always', 'StartLimitIntervalSec=0', 'ProtectSystem=strict', 'NoNewPrivileges=yes'])
        assert.ok(text.includes(`\n${line}\n`), `${role}: ${line}`);
      const { isOutlived } = SERVICE_ROLE_FACTS[role];
      assert.equal(/^KillMode=process$/m.test(text), isOutlived, role);
      assert.equal(/^(PrivateTmp|RemoveIPC)=yes$/m.test(text), !isOutlived, role);
    }
  });

  test('words of the command line mean themselves to systemd', () => {
    const line = /^ExecStart=(.*)$/m.exec(unitText('host', ['/opt/a b/node', 'per%cent', 'dol$lar', 'quo"te']))?.[1];
    assert.equal(line, '"/opt/a b/node" per%%cent dol$$lar "quo\\"te"');
  });

  test('I1: an environment file is read back as it was written', () => {
    const values = { A: 'plain', B: 'with "quotes" and \\ and $HOME and `x`', C: 'postgres://u:p%40@h:1/d?sslmode=require', D: '' };
    assert.deepEqual(readEnvironment(environmentText(values)), values);
    assert.deepEqual(readEnvironment("# no\nA=bare\nB='single'\nnonsense\n"), { A: 'bare', B: 'single' });
  });
});
