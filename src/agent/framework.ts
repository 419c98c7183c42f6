/**
 * What the agent and the framework services of its node tell each other by files: it keeps `framework.json` current, and follows what each service
 * writes down of itself.
 *
 * I1: `framework.json` is there before any director was reached, from what this node remembers.
 * I2: it is written when it changed, and every minute for the running time in it; never because only that went on.
 * I3: a status is the word of who wrote it last: whoever goes by it asks the supervisor whether that service runs.
 */

import { canonicalJson } from '../base/canonical.ts';
import { frameworkConfigOf, isMember, withRunningTime } from '../decide/framework-config.ts';
import type { FrameworkInput } from '../decide/framework-config.ts';
import { FRAMEWORK_RECORD, FRAMEWORK_SERVICES } from '../model/framework.ts';
import type {
  ConnectionServerProxyStatus,
  ConnectorClientStatus,
  FrameworkConfig,
  FrameworkService,
  MonitorStatus,
} from '../model/framework.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import type { AgentDeps } from './deps.ts';
import { bootReading } from './trusted-time.ts';

/** What this node's services said last; undefined: nothing yet. */
export interface FrameworkStatuses {
  readonly 'connector-client'?: ConnectorClientStatus;
  readonly 'connection-server-proxy'?: ConnectionServerProxyStatus;
  readonly monitor?: MonitorStatus;
}

export interface FrameworkKeeper {
  /** Writes `framework.json` when it is due. Throws `Fault` when the disk refuses; then what was told before holds. */
  tell(seen: FrameworkSeen): Promise<void>;
  /** What was told last; undefined: nothing yet. */
  told(): FrameworkConfig | undefined;
  /** By service. Whether a service runs is not said here: ask the supervisor. */
  statuses(): FrameworkStatuses;
}

/** What changes; who this node is, is known. */
export type FrameworkSeen = Omit<FrameworkInput, 'cluster' | 'node' | 'directors' | 'previous'>;

type KeeperDeps = Pick<AgentDeps, 'node' | 'folder' | 'watchFramework' | 'clock' | 'bootId' | 'log'>;

/** Follows until the signal aborts; `onChange`: a service said something else. */
export async function keepFramework(deps: KeeperDeps, onChange: () => void, signal: AbortSignal): Promise<FrameworkKeeper> {
  const said = new Map<FrameworkService, JsonObject>();
  const read = await deps.folder.read<JsonObject>(FRAMEWORK_RECORD);
  if (read.state === 'damaged') deps.log.error(`${read.message} It is written anew from what this node remembers.`);
  let told = read.state === 'found' ? ofThisNode(deps, read.body) : undefined;
  // Another program may have written it: what is on disk is compared only once it was written here.
  let written = '';
  let writtenAtMs = 0;
  for (const service of FRAMEWORK_SERVICES) {
    deps.watchFramework(
      service,
      (status) => {
        const body = status.state === 'found' ? status.body : undefined;
        if (body === undefined || canonicalJson(body) === canonicalJson(said.get(service))) return;
        said.set(service, body);
        onChange();
      },
      signal,
    );
  }
  return {
    tell: async (seen) => {
      const config = frameworkConfigOf({ ...seen, ...identityOf(deps), previous: told });
      const lasting = canonicalJson(withoutRunningTime(config));
      const nowMs = deps.clock.monotonicMs();
      if (lasting === written && nowMs - writtenAtMs < LIMITS.runningTimeStoreMs) return;
      const counted = withRunningTime(config, bootReading(deps));
      await deps.folder.write(FRAMEWORK_RECORD, counted as unknown as Json);
      [told, written, writtenAtMs] = [counted, lasting, nowMs];
    },
    told: () => told,
    statuses: () => Object.fromEntries(said) as FrameworkStatuses,
  };
}

/** What is on disk, when it speaks of this very life of this node. */
function ofThisNode({ node, log }: KeeperDeps, body: JsonObject): FrameworkConfig | undefined {
  const config = body as unknown as Partial<FrameworkConfig>;
  if (config.node?.uid !== node.nodeUid || !Array.isArray(config.members)) return undefined;
  const members = config.members.filter(isMember);
  const skipped = config.members.length - members.length;
  if (skipped > 0) log.warn('Members that this node remembers have no address that can be one; it goes on without them.', { skipped });
  return { ...(config as FrameworkConfig), members, services: Array.isArray(config.services) ? config.services : [] };
}

function identityOf({ node }: KeeperDeps): Pick<FrameworkInput, 'cluster' | 'node' | 'directors'> {
  return {
    cluster: { namespace: node.namespace, name: node.cluster, uid: node.clusterUid },
    node: { name: node.node, uid: node.nodeUid, incarnation: node.incarnation, address: node.address },
    directors: node.directors,
  };
}

function withoutRunningTime({ license, joined, ...rest }: FrameworkConfig): unknown {
  return { ...rest, license: license?.token, joined: joined?.notBeforeMs };
}
