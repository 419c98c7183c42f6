/**
 * Hollow hosts (hollow.ts) beside a real control plane, in a process of their own that can be frozen: all sites on them fall silent at once.
 *
 * Nothing of them is left when the test process ends, also when that is killed: they bear the control plane's mark.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createJoinToken } from '../../src/client/join-token.ts';
import { HOSTS } from '../../src/model/addresses.ts';
import type { Host } from '../../src/model/host.ts';
import { certificates } from '../../src/platform/certificate.ts';
import { newJoinSecret } from '../../src/platform/join-secret.ts';
import { parseAdminKubeconfig } from '../../src/platform/kubeconfig.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import type { Answer } from '../../src/ports/api.ts';
import type { ControlPlane } from './control-plane.ts';

const HOLLOW = resolve(import.meta.dirname, '../../bench/hollow/main.ts');
const SYSTEM_NAMESPACE = 'outrigger-system';
const CALL_MS = 15_000;

export interface FleetOptions {
  /** Names of the hosts, and how many nodes each takes. */
  readonly hosts: Readonly<Record<string, number>>;
  readonly machineMs: number;
  readonly servicesMs: number;
  readonly leaseRenewMs: number;
}

export interface Fleet {
  readonly pid: number;
  freeze(): void;
  thaw(): void;
  /** SIGKILL: all of its machines are gone for good. */
  kill(): void;
}

export async function startFleet(plane: ControlPlane, { hosts, ...times }: FleetOptions): Promise<Fleet> {
  const tokens: { name: string; token: string }[] = [];
  for (const [name, nodes] of Object.entries(hosts)) {
    await createHost(plane, name, nodes);
    const order = { namespace: SYSTEM_NAMESPACE, bearer: { kind: 'host', name }, nowMs: Date.now() } as const;
    tokens.push({ name, token: valueOf(await createJoinToken(plane.api, newJoinSecret, order, AbortSignal.timeout(CALL_MS))) });
  }
  const { server, identity } = parseAdminKubeconfig(readFileSync(plane.kubeconfig, 'utf8'), plane.kubeconfig);
  const env = { ...process.env, OUTRIGGER_DATA: plane.data, OUTRIGGER_ROLE: 'hollow' };
  const child = spawn(process.execPath, [HOLLOW], { stdio: ['pipe', 'inherit', 'inherit', 'ipc'], env });
  const caHash = certificates().publicKeyHash(identity.authority);
  child.stdin?.end(JSON.stringify({ directors: [server], caHash, hosts: tokens, ...times }));
  const pid = child.pid ?? -1;
  const send = (signal: NodeJS.Signals) => (): void => void sendSignal(pid, signal);
  return { pid, freeze: send('SIGSTOP'), thaw: send('SIGCONT'), kill: send('SIGKILL') };
}

/** A Host with room; nobody is there for it until a fleet plays it. */
export async function createHost(plane: ControlPlane, name: string, nodes: number): Promise<void> {
  const capacity = { nodes, cpuMillis: 1_000_000, memoryMiB: 1_000_000 };
  const object = { apiVersion: 'outrigger.dev/v1', kind: 'Host', metadata: { name }, spec: { capacity } };
  valueOf(await plane.api.create<Host>(HOSTS, '', object, AbortSignal.timeout(CALL_MS)));
}

function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.message);
  return answer.value;
}
