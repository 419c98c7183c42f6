/**
 * The support bundle: what somebody far away needs to understand this cluster, as a `.tar.gz` that is made while it is sent.
 *
 * I1: no secret gets in, by construction: records come from the allow-list of facts.ts or from fields named here. Log lines are what services wrote,
 *     so every file goes through the scan for what looks like a secret, and through one for the secrets that this node knows.
 * I2: what was taken out, left out or not answered is said in `manifest.json`, which comes last.
 * I3: it is bounded in size and time.
 */

import { withoutSecrets } from '../../decide/secret-scan.ts';
import { LIMITS } from '../../model/limits.ts';
import type { ArchiveEntry } from '../../ports/archive.ts';
import { asJson, pairingFacts, row, stateFacts } from './facts.ts';
import type { PortalSources } from './facts.ts';
import { listLogs, readLog } from './logs.ts';
import { testNetwork } from './network-test.ts';

interface Packing {
  readonly sources: PortalSources;
  /** Values that are secret here. */
  readonly known: readonly string[];
  readonly removed: Record<string, Readonly<Record<string, number>>>;
  readonly missing: string[];
  bytes: number;
}

const FOLDER = 'outrigger-support';
const NAME_CHARS = 60;

export function bundleName({ deps }: PortalSources): string {
  return `${FOLDER}-${deps.node.namespace}-${deps.node.cluster}.tar.gz`;
}

export async function* bundleEntries(sources: PortalSources, signal: AbortSignal): AsyncGenerator<ArchiveEntry> {
  const packing: Packing = { sources, known: await knownSecrets(sources), removed: {}, missing: [], bytes: 0 };
  for (const [name, value] of Object.entries(records(sources))) yield* entry(packing, `${name}.json`, jsonText(value));
  yield* entry(packing, 'network-test.json', jsonText(await testNetwork(sources, signal)));
  yield* logEntries(packing, signal);
  const { removed, missing } = packing;
  const about = { format: 1, version: sources.deps.version, madeAt: new Date(sources.deps.clock.nowMs()).toISOString(), removed, missing };
  yield { name: `${FOLDER}/manifest.json`, body: jsonText(about) };
}

const SECRET_VARIABLE = /pass|secret|token|key|credential/i;

/** Secrets as they are on this node: its key, the account of the connection servers, a token that lies unused, what customers hand to their pods. */
async function knownSecrets({ deps, framework, memory }: PortalSources): Promise<readonly string[]> {
  const identity = await deps.identity.load().catch(() => undefined);
  const key = identity?.privateKey.replaceAll(/-----[A-Z ]+-----/g, '').trim();
  const lines = key === undefined ? [] : [key.replaceAll(/\s/g, ''), ...key.split('\n')];
  const containers = (memory.get('plan')?.services ?? []).flatMap(({ pod }) => pod.containers);
  const variables = containers.flatMap(({ env }) => env ?? []).filter(({ name }) => SECRET_VARIABLE.test(name));
  const values = variables.map(({ value }) => value);
  return [framework.told()?.site?.credentials?.password, deps.node.token, ...lines, ...values].filter((one) => one !== undefined);
}

/** By name of the file. Of the records of the node store only what is named here. */
function records(sources: PortalSources): Readonly<Record<string, unknown>> {
  const { memory, framework, deps } = sources;
  const plan = memory.get('plan');
  const config = framework.told();
  const statement = memory.get('license')?.statement;
  return {
    versions: { outrigger: deps.version, release: plan?.release, nodes: versionsOf(sources) },
    state: stateFacts(sources),
    pairing: pairingFacts(sources),
    license: { section: sources.license(), statement, since: memory.get('license')?.since },
    membership: memory.get('membership'),
    era: memory.get('era'),
    endpoints: memory.get('endpoints'),
    plan: plan && {
      release: plan.release,
      generation: plan.generation,
      balanced: plan.balanced,
      refused: plan.refused,
      services: plan.services.map(serviceRow),
    },
    framework: config && {
      primary: config.primary,
      term: config.term,
      directors: config.directors,
      members: config.members,
      services: config.services,
      site: config.site && { name: config.site.name, uid: config.site.uid, paired: config.site.paired, servers: config.site.servers },
    },
    'framework-services': framework.statuses(),
  };
}

function versionsOf({ following }: PortalSources): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (following()?.nodes() ?? []).map(({ metadata, status }) => [metadata.name, status?.agent?.version ?? 'not said']),
  );
}

/** Without its template: environments may hold secrets of the customer. */
function serviceRow(service: { readonly name: string; readonly mode?: string }): unknown {
  return row({ name: service.name, mode: service.mode });
}

async function* logEntries(packing: Packing, signal: AbortSignal): AsyncGenerator<ArchiveEntry> {
  const { sources } = packing;
  const others = (sources.framework.told()?.members ?? []).map(({ name }) => name).filter((name) => name !== sources.deps.node.node);
  for (const node of [sources.deps.node.node, ...others]) {
    const list = await listLogs(sources, node, signal);
    if (!list.ok) packing.missing.push(`logs of ${node}: ${list.why}`);
    for (const name of list.ok ? list.names : []) {
      const read = await readLog(sources, node, name, LIMITS.bundleLogLines, signal);
      if (read.ok) yield* entry(packing, `logs/${plain(node)}/${plain(name)}.log`, read.text.slice(-LIMITS.bundleLogBytes));
      else packing.missing.push(`log ${name} of ${node}: ${read.why}`);
    }
  }
}

function* entry(packing: Packing, name: string, body: string): Generator<ArchiveEntry> {
  const { text, found } = withoutSecrets(body, packing.known);
  packing.bytes += text.length;
  if (packing.bytes > LIMITS.bundleBytes) {
    packing.missing.push(`${name}: the bundle is full`);
    return;
  }
  if (Object.keys(found).length > 0) packing.removed[name] = found;
  yield { name: `${FOLDER}/${name}`, body: text };
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(asJson(value), undefined, 2)}\n`;
}

/** A name of a file in the archive. */
function plain(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, '.').slice(0, NAME_CHARS);
}
