/**
 * A whole control plane for tests that kill its parts: `outrigger up` in a folder of its own on a free port, with the sample cluster, the API, kubectl,
 * and every process of it by its marks.
 *
 * Nothing of it is left when the test process ends, also when that is killed (a small shell waits for that).
 */
import { execFile, spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { dirname, join } from 'node:path';
import { CLUSTER_RELEASES, CLUSTERS } from '../../src/model/addresses.ts';
import type { ClusterRelease } from '../../src/model/cluster-release.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { ResourceAddress } from '../../src/model/core-kinds.ts';
import { isFault } from '../../src/model/fault.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { directorApi } from '../../src/platform/api-client.ts';
import { parseAdminKubeconfig } from '../../src/platform/kubeconfig.ts';
import { allPids, environmentOf, livesInStat, sendSignal, statOf } from '../../src/platform/process-id.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Answer } from '../../src/ports/api.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import { eventually } from './eventually.ts';
import { kubectlPath } from './kubectl.ts';
import { PLAIN_RELEASE, plainRelease } from './plain-release.ts';
import { UP_DEADLINE_MS, upRig } from './up-rig.ts';
import type { UpRun } from './up-rig.ts';

/** One process of the control plane. */
export interface Living {
  /** up, director, extension, host, agent, agent-stop, balancer, pod, postgres. */
  readonly role: string;
  readonly pid: number;
  readonly parentPid: number;
  readonly sessionId: number;
  readonly startTicks: number;
  /** Uid of the node that it belongs to; empty: none. */
  readonly node: string;
  /** `<nodeUid>/<service>--<hash>`; empty: no pod. */
  readonly pod: string;
  /** `<namespace>/<cluster>`; empty: no pod. */
  readonly cluster: string;
  readonly service: string;
}

export interface ControlPlane {
  readonly data: string;
  readonly kubeconfig: string;
  readonly extensionServers: number;
  /** As the admin. */
  readonly api: DirectorApi;
  readonly up: () => UpRun;
  living(): readonly Living[];
  /** Living processes of a role, of one node when it is given; the oldest first. */
  of(role: string, node?: string): readonly Living[];
  /** As `run/<part>.pid` says; -1 while it is being started again. */
  pidOf(part: string): number;
  /** kill -9 of everything at once, up itself and PostgreSQL too: what a reboot does. */
  killAll(): Promise<void>;
  /** Starts up again after killAll. */
  startAgain(): Promise<void>;
  kubectl(...args: string[]): Promise<CommandResult>;
  apply(manifest: object | string): Promise<CommandResult>;
  /** Reads again and again until a director answers. */
  get<T>(address: ResourceAddress<T>, namespace: string, name: string): Promise<T | undefined>;
  list<T>(address: ResourceAddress<T>): Promise<readonly T[]>;
  /** A merge patch that may be repeated, until a director takes it. */
  patch<T>(address: ResourceAddress<T>, namespace: string, name: string, patch: JsonObject): Promise<T>;
  cleanup(): Promise<void>;
}

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const NAMESPACE = 'demo';
/** What a write or read of a test may take while parts are being killed. */
export const PATIENCE_MS = 90_000;
const CALL_MS = 15_000;

/** `more`: further flags of `outrigger up`. */
export async function startControlPlane(name: string, extensionServers = 2, more: readonly string[] = []): Promise<ControlPlane> {
  const rig = upRig(name);
  guard(rig.data);
  const marks = { OUTRIGGER_DATA: rig.data, OUTRIGGER_ROLE: 'up' };
  const start = (): UpRun => rig.start(['--extension-servers', String(extensionServers), ...more], marks);
  const begun = performance.now();
  let run = start();
  let api: DirectorApi | undefined;
  try {
    await untilUp(run);
    say(`the control plane and demo/harbor were up after ${seconds(performance.now() - begun)}`);
    const kubeconfig = join(rig.data, 'kubeconfig');
    const opened = openApi(kubeconfig);
    api = opened;
    const calls = callsOf(opened);
    await makePlainRelease(opened);
    const shell = (args: readonly string[], input?: string) => kubectl(kubeconfig, join(rig.data, 'kubectl-cache'), args, input);
    return {
      data: rig.data,
      kubeconfig,
      extensionServers,
      api: opened,
      up: () => run,
      living: () => livingOf(rig.data),
      of: (role, node) => livingOf(rig.data).filter((one) => one.role === role && (node === undefined || one.node === node)),
      pidOf: (part) => pidIn(join(rig.data, 'run', `${part}.pid`)),
      killAll: async () => {
        rig.killAll();
        await run.ended;
      },
      startAgain: async () => {
        run = start();
        await untilUp(run);
      },
      kubectl: (...args) => shell(args),
      apply: (manifest) => shell(['apply', '-f', '-'], typeof manifest === 'string' ? manifest : JSON.stringify(manifest)),
      ...calls,
      cleanup: async () => {
        opened.close();
        await rig.cleanup();
      },
    };
  } catch (cause) {
    api?.close();
    await rig.cleanup();
    throw cause;
  }
}

/** Another way in: a client of its own, to this director or to another. */
export function openApi(kubeconfig: string): DirectorApi {
  const { server, identity } = parseAdminKubeconfig(readFileSync(kubeconfig, 'utf8'), kubeconfig);
  return directorApi({ directors: [server], identity, era: undefined }, systemRandom());
}

/** Found when the folder was used before. */
async function makePlainRelease(api: DirectorApi): Promise<void> {
  const release = plainRelease() as unknown as ClusterRelease;
  const answer = await patiently('create the plain release', () =>
    api.create<ClusterRelease>(CLUSTER_RELEASES, '', release, AbortSignal.timeout(CALL_MS)),
  );
  if (!answer.ok && answer.reason !== 'AlreadyExists') throw new Error(answer.message);
}

async function untilUp(run: UpRun): Promise<void> {
  await run.line(/Outrigger is up after [\d.]+ s/, 2 * UP_DEADLINE_MS);
}

function callsOf(api: DirectorApi): Pick<ControlPlane, 'get' | 'list' | 'patch'> {
  return {
    get: async (address, namespace, name) => {
      const answer = await patiently(`read ${address.kind} ${name}`, () => api.get(address, namespace, name, AbortSignal.timeout(CALL_MS)));
      if (answer.ok) return answer.value;
      if (answer.reason === 'NotFound') return undefined;
      throw new Error(answer.message);
    },
    list: async (address) => {
      const answer = await patiently(`list ${address.plural}`, () => api.list(address, {}, AbortSignal.timeout(CALL_MS)));
      if (answer.ok) return answer.value.items;
      throw new Error(answer.message);
    },
    patch: async (address, namespace, name, patch) => {
      const answer = await patiently(`patch ${address.kind} ${name}`, () =>
        api.mergePatch(address, namespace, name, patch, AbortSignal.timeout(CALL_MS)),
      );
      if (answer.ok) return answer.value;
      throw new Error(answer.message);
    },
  };
}

/** An answer, however often the directors have to be asked for it. */
export async function patiently<T>(what: string, call: () => Promise<Answer<T>>): Promise<Answer<T>> {
  let last = '';
  try {
    return await eventually(
      what,
      async () => {
        try {
          return await call();
        } catch (cause) {
          if (!isFault(cause)) throw cause;
          last = cause.message;
          return undefined;
        }
      },
      PATIENCE_MS,
      100,
    );
  } catch (cause) {
    throw new Error(`${(cause as Error).message}; last heard: ${last}`, { cause });
  }
}

// ---- clusters ---------------------------------------------------------------------------------------------------------------------------

export function clusterObject(name: string, workers: number, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Cluster',
    metadata: { name, namespace: NAMESPACE },
    spec: { virtualDataCenter: 'main', release: PLAIN_RELEASE, workers, ...spec },
  };
}

/** A refusal because it is there already counts as created: the write may have happened before its answer was lost. */
export async function createCluster(plane: ControlPlane, name: string, workers: number, spec: JsonObject = {}): Promise<void> {
  const object = clusterObject(name, workers, spec);
  const answer = await patiently(`create ${name}`, () =>
    plane.api.create<Cluster>(CLUSTERS, NAMESPACE, object, AbortSignal.timeout(CALL_MS)),
  );
  if (!answer.ok && answer.reason !== 'AlreadyExists') throw new Error(answer.message);
}

export async function deleteCluster(plane: ControlPlane, name: string): Promise<void> {
  const answer = await patiently(`delete ${name}`, () => plane.api.delete(CLUSTERS, NAMESPACE, name, {}, AbortSignal.timeout(CALL_MS)));
  if (!answer.ok && answer.reason !== 'NotFound') throw new Error(answer.message);
}

export async function clusterOf(plane: ControlPlane, name: string): Promise<Cluster> {
  const cluster = await plane.get(CLUSTERS, NAMESPACE, name);
  if (cluster === undefined) throw new Error(`There is no cluster ${name}`);
  return cluster;
}

/** What a client gets over a connection of its own: the status, or 0 and why there was none. */
export function ask(url: string, withinMs = 5_000): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((done) => {
    const agent = new Agent({ keepAlive: false });
    const sent = request(url, { agent, timeout: withinMs, headers: { connection: 'close' } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => done({ status: answer.statusCode ?? 0, text }));
      answer.on('error', (cause) => done({ status: 0, text: cause.message }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`nothing within ${withinMs} ms`)));
    sent.on('error', (cause) => done({ status: 0, text: cause.message }));
    sent.end();
  });
}

// ---- processes --------------------------------------------------------------------------------------------------------------------------

/** By the marks in the environment; PostgreSQL, which writes over its own, by its working folder. */
function livingOf(data: string): readonly Living[] {
  return allPids()
    .flatMap((pid) => livingAt(pid, data))
    .toSorted((a, b) => a.startTicks - b.startTicks || a.pid - b.pid);
}

function livingAt(pid: number, data: string): readonly Living[] {
  const environment = environmentOf(pid) ?? {};
  const isMarked = environment['OUTRIGGER_DATA'] === data;
  const stat = isMarked || worksIn(pid, data) ? statOf(pid) : undefined;
  if (!livesInStat(stat)) return [];
  const { parentPid, sessionId, startTicks } = stat;
  const place = { pid, parentPid, sessionId, startTicks };
  if (!isMarked) return [{ ...place, role: 'postgres', node: '', pod: '', cluster: '', service: '' }];
  const value = (name: string): string => environment[name] ?? '';
  const pod = value('OUTRIGGER_POD');
  return [
    {
      ...place,
      role: value('OUTRIGGER_ROLE'),
      node: value('OUTRIGGER_NODE'),
      pod,
      cluster: pod === '' ? '' : `${value('CLUSTER_NAMESPACE')}/${value('CLUSTER_NAME')}`,
      service: pod === '' ? '' : value('SERVICE_NAME'),
    },
  ];
}

function worksIn(pid: number, data: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${data}/postgres/`);
  } catch {
    return false;
  }
}

/** Who runs, in a form that two moments can be compared in: what each process is, and which one it is. */
export function pidsOf(plane: ControlPlane, pick: (one: Living) => boolean): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const one of plane.living().filter((each) => each.role !== 'postgres' && pick(each))) {
    const name = [one.role, one.node.slice(0, 8), one.pod.replace(/^.*\//, ''), one.pod !== '' && one.pid !== one.sessionId ? 'main' : '']
      .join(' ')
      .trim();
    found[name] = [found[name], `${one.pid}@${one.startTicks}`].filter((text) => text !== undefined).join(' ');
  }
  return found;
}

/** The program of a pod: below its shim, which leads the session. */
export function mainOf(plane: ControlPlane, node: string, service: string): Living {
  const pods = plane.of('pod', node).filter((one) => one.service === service);
  const main = pods.find((one) => one.pid !== one.sessionId);
  if (main === undefined) throw new Error(`${service} has no process on ${node}`);
  return main;
}

function pidIn(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return -1;
  }
}

export function kill9(...pids: readonly number[]): void {
  for (const pid of pids) sendSignal(pid, 'SIGKILL');
}

// ---- small things -----------------------------------------------------------------------------------------------------------------------

export function say(text: string): void {
  console.log(`measured: ${text}`);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function kubectl(kubeconfig: string, cache: string, args: readonly string[], input?: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    const all = ['--kubeconfig', kubeconfig, '--cache-dir', cache, ...args];
    const child = execFile(kubectlPath('35'), all, { timeout: PATIENCE_MS, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, out, err });
    });
    child.stdin?.end(input ?? '');
  });
}

/** Waits for our death, then kills whatever carries the folder's mark or works in it, and removes it. */
function guard(data: string): void {
  const script = `
trap '' INT TERM HUP
while kill -0 "$1" 2>/dev/null; do sleep 0.2; done
[ -d "$3" ] || exit 0
n=0
while [ $n -lt 100 ]; do
  found=
  for p in /proc/[0-9]*; do
    pid=\${p#/proc/}
    case "$(readlink "$p/cwd" 2>/dev/null)" in "$2"/*) ours=1 ;; *) ours= ;; esac
    grep -qszxF "OUTRIGGER_DATA=$2" "$p/environ" 2>/dev/null && ours=1
    [ -n "$ours" ] && kill -9 "$pid" 2>/dev/null && found=1
  done
  [ -z "$found" ] && break
  sleep 0.1; n=$((n + 1))
done
rm -rf "$3"`;
  const args = ['-c', script, 'guard', String(process.pid), data, dirname(data)];
  spawn('sh', args, { detached: true, stdio: 'ignore', cwd: '/' }).unref();
}
