/**
 * The host daemon: finds its nodes again, keeps them, claims more, and says how it is.
 *
 * I1: nodes that ran before are kept from the first moment, also when no director ever answers.
 * I2: when it ends, its nodes go on.
 */

import { nodeLogFields } from '../decide/log-fields.ts';
import { claimsOf } from '../decide/host-claim.ts';
import { CLUSTER_NODES } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { Json } from '../model/json.ts';
import { LOOPBACK_NODE_SLOTS, LOOPBACK_PREFIX } from '../model/ports.ts';
import type { LoopbackClaim } from '../ports/loopback.ts';
import type { HostDeps } from './deps.ts';
import { followAll, virtualDataCentersOf, waitingNodes } from './follow.ts';
import type { Following } from './follow.ts';
import { reportInfrastructure } from './infrastructure.ts';
import { createKeeper } from './keeper.ts';
import { keyedLoop } from './keyed-loop.ts';
import { readPresets } from './presets.ts';
import { renewLease, reportHostStatus } from './presence.ts';
import { loadRecords } from './records.ts';
import type { NodeRecords } from './records.ts';
import { slotsTaken } from './slots-taken.ts';
import { apiFor, tellSpan, tracedNode } from './trace.ts';
import { discardedUids } from './unclaimed.ts';

/** All nodes are looked at again this often, though nothing changed. */
const RESYNC_MS = 30_000;
/** Waiting nodes are looked at again this often: a VirtualDataCenter may name this host by now. It is the round that shows that this daemon works. */
const RECLAIM_MS = 5_000;
/** What clusters say of restarts is read this often. */
const PRESETS_MS = 15_000;
const ROLES_OF_NODES = ['agent', 'balancer', 'haproxy', 'pod'];

/** Runs until the signal aborts. */
export async function runHostDaemon(deps: HostDeps, signal: AbortSignal): Promise<void> {
  const records = await loadRecords(deps.store, deps.files, deps.storeFolder, deps.log);
  const claim = await claimNetwork(deps);
  const { network } = claim;
  deps.log.info('The host daemon starts', { host: deps.name, network: `${LOOPBACK_PREFIX}.${network}.0/24`, nodes: records.all().length });

  // Filled in below: what is followed wakes the keeper, which asks what is followed.
  const late: { following?: Following } = {};
  const wake = { status: (): void => undefined, claims: (): void => undefined };
  const seen = (nodeUid: string): ClusterNode | undefined => late.following?.node(nodeUid);
  const learn = (node: ClusterNode): void => late.following?.learn(node);
  const listedAt = (): number => late.following?.listedAt() ?? 0;
  const reports = reportInfrastructure({ deps, network, seen, listedAt, learn }, signal);
  const keeper = createKeeper(
    { deps, records, network, reports, seen, host: () => late.following?.host(), onChange: () => wake.status() },
    signal,
  );
  const claims = keyedLoop(deps, 'The claim of nodes', (_, work) => claimNodes(deps, records, network, late.following, work), signal);
  const onNode = (nodeUid: string): void => {
    keeper.poke(nodeUid);
    reports.look(nodeUid);
    wake.claims();
  };
  const onHost = (): void => {
    for (const nodeUid of discardedUids(late.following?.host())) if (records.get(nodeUid) !== undefined) keeper.poke(nodeUid);
    wake.status();
    wake.claims();
  };
  const following = followAll(deps, { onNode, onHost }, signal);
  late.following = following;
  const status = reportHostStatus(
    { deps, records, host: () => following.host(), keeper, address: `${LOOPBACK_PREFIX}.${network}.0/24` },
    signal,
  );
  wake.status = () => status.poke();
  wake.claims = () => claims.poke('all');
  for (const begin of [wake.status, wake.claims, deps.service.ready]) begin();

  await Promise.all([
    renewLease(deps, signal),
    every(deps, RECLAIM_MS, () => wake.claims(), signal),
    every(deps, PRESETS_MS, () => void readPresets(deps, records, (nodeUid) => keeper.poke(nodeUid), signal), signal),
    every(
      deps,
      RESYNC_MS,
      () =>
        resync(
          deps,
          records,
          following,
          (nodeUid) => keeper.poke(nodeUid),
          () => wake.status(),
        ),
      signal,
    ),
  ]);
  await Promise.all([keeper.settled(), claims.settled(), status.settled(), reports.settled()]);
  claim.release();
}

async function claimNetwork(deps: HostDeps): Promise<LoopbackClaim> {
  const remembered = await deps.store.read<{ network: number } & Json>('network');
  const preferred = remembered.state === 'found' ? remembered.body.network : undefined;
  const occupied = ROLES_OF_NODES.some((role) => deps.processes.find({ OUTRIGGER_DATA: deps.data, OUTRIGGER_ROLE: role }).length > 0);
  const claim = await deps.networks.claim(preferred, occupied);
  if (claim.network !== preferred) await deps.store.write('network', { network: claim.network });
  return claim;
}

/** A round that is done, also one that the director did not answer, shows that this daemon works. */
async function claimNodes(...round: Parameters<typeof claimWhatFits>): Promise<void> {
  await claimWhatFits(...round).finally(round[0].service.progressed);
}

/** A claim that was lost to another host, or to a change, is an answer: the next look decides anew. */
async function claimWhatFits(
  deps: HostDeps,
  records: NodeRecords,
  network: number,
  following: Following | undefined,
  work: AbortSignal,
): Promise<void> {
  const host = following?.host();
  const waiting = following === undefined ? [] : waitingNodes(following);
  if (following === undefined || host === undefined || waiting.length === 0) return;
  const virtualDataCenters = await virtualDataCentersOf(deps, waiting, work);
  const held = records.all();
  const claims = claimsOf({
    host,
    bootId: deps.processes.self().bootId,
    virtualDataCenters,
    nodes: following.nodes(),
    held,
    freeSlots: LOOPBACK_NODE_SLOTS - slotsTaken(deps, records, network).size,
  });
  for (const node of claims) await claimNode(deps, following, node, work);
}

async function claimNode(deps: HostDeps, following: Following, node: ClusterNode, work: AbortSignal): Promise<void> {
  const { namespace = '', name, uid, resourceVersion } = node.metadata;
  const patch = { metadata: { uid, resourceVersion }, spec: { host: deps.name } };
  const traced = tracedNode(node);
  const fromMs = deps.clock.nowMs();
  const answer = await apiFor(deps, traced, 'claim').mergePatch<ClusterNode>(CLUSTER_NODES, namespace, name, patch, work);
  // A lost claim is another host's span.
  if (answer.ok) tellSpan(deps, traced, 'claim', fromMs);
  // The next round must not claim it again.
  if (answer.ok) following.learn(answer.value);
  if (answer.ok) deps.log.info('A node is claimed', nodeLogFields(traced));
  else if (answer.reason !== 'Conflict' && answer.reason !== 'NotFound')
    deps.log.warn('A claim was refused', { ...nodeLogFields(traced), why: answer.message });
}

function resync(deps: HostDeps, records: NodeRecords, following: Following, poke: (nodeUid: string) => void, wakeStatus: () => void): void {
  const mine = following.nodes().filter((node) => node.spec.host === deps.name);
  for (const nodeUid of new Set([...records.all().map((record) => record.nodeUid), ...mine.map((node) => node.metadata.uid)]))
    poke(nodeUid);
  wakeStatus();
}

async function every(deps: HostDeps, ms: number, work: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await deps.clock.sleep(ms, signal).catch(() => undefined);
    if (!signal.aborted) work();
  }
}
