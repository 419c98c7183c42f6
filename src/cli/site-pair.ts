/**
 * `outrigger site pair` and `site unpair`: asks the cluster's agent for checks, shows each line as it comes, has thumbprints accepted, and waits.
 *
 * I1: a thumbprint is accepted only by a person at the terminal who says so, or by being named (--accept): never because it was shown.
 * I2: a pin is written under the revision of the Site in which the thumbprint was shown.
 * I3: what is reported is the answer to this very request, not an older one.
 */

import { CLUSTERS, SITES } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { ANNOTATION_FORCE_UNPLUG, ANNOTATION_PAIR } from '../model/labels.ts';
import type { Site } from '../model/site.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import { readSite, renderCheck, siteExit } from './site.ts';

export interface SiteDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  /** A value that was never used before. */
  readonly unique: () => string;
  /** A line for people, as it comes; nothing where the output is for programs. */
  readonly show: (text: string) => void;
  /** Asks the person; undefined: there is nobody to ask. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<string>) | undefined;
}

export interface SiteOrder {
  readonly namespace: string;
  readonly name: string;
  readonly deadlineMs: number;
}

export interface PairOrder extends SiteOrder {
  /** Plug this cluster in first. */
  readonly cluster: string | undefined;
  /** Thumbprints that are accepted without asking. */
  readonly accept: readonly string[];
}

export interface SiteOutcome {
  readonly exit: ExitCode;
  /** For people. */
  readonly message: string;
  readonly site: Site;
}

const LOOK_EVERY_MS = 300;
/** Acceptances change the Site, and it is checked anew; a server that changes its certificate each time ends here. */
const ROUNDS = 4;

export async function pairSite(deps: SiteDeps, order: PairOrder, signal: AbortSignal): Promise<SiteOutcome> {
  const first = await readSite(deps.api, order.namespace, order.name, signal);
  const cluster = await plugged(deps, order, first, signal);
  for (let round = 1; ; round++) {
    const checked = await checkedSite(deps, order, cluster, signal);
    if ('exit' in checked) return checked;
    const accepted = round < ROUNDS ? await acceptedPins(deps, order, checked.site, signal) : new Map<string, string>();
    if (accepted.size === 0) return finished(order, checked.site);
    await writePins(deps, order, checked.site, accepted, signal);
  }
}

/** The cluster that is (to be) plugged in. */
async function plugged(deps: SiteDeps, order: PairOrder, site: Site, signal: AbortSignal): Promise<Cluster> {
  const { namespace, name } = order;
  const all = await clustersOf(deps.api, namespace, signal);
  const naming = all.find((one) => one.spec.site === name);
  if (order.cluster === undefined || order.cluster === naming?.metadata.name) {
    if (naming !== undefined) return naming;
    throw new Fault(
      'UsageWrong',
      `No cluster names site ${name}; say which one to plug in: outrigger site pair ${name} -n ${namespace} --cluster NAME`,
    );
  }
  const other = naming?.metadata.name ?? site.status?.cluster?.name;
  if (other !== undefined && other !== order.cluster)
    throw new Fault(
      'DirectorRefused',
      `Cluster ${other} is at site ${name}; unplug it first: outrigger site unpair ${name} -n ${namespace}`,
    );
  const answer = await deps.api.mergePatch<Cluster>(CLUSTERS, namespace, order.cluster, { spec: { site: name } }, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `Cluster ${order.cluster} was not plugged in: ${answer.message}`);
  deps.show(`Cluster ${order.cluster} names site ${name} now.\n`);
  return answer.value;
}

async function clustersOf(api: EntityApi, namespace: string, signal: AbortSignal): Promise<readonly Cluster[]> {
  const answer = await api.list<Cluster>(CLUSTERS, { namespace }, signal);
  if (answer.ok) return answer.value.items;
  throw new Fault('DirectorRefused', `The clusters of ${namespace} are not shown: ${answer.message}`);
}

/** Asks for checks and waits for their answer, showing lines as they come. */
async function checkedSite(deps: SiteDeps, order: PairOrder, cluster: Cluster, signal: AbortSignal): Promise<{ site: Site } | SiteOutcome> {
  const { namespace, name } = order;
  const request = deps.unique();
  const asked = await deps.api.mergePatch<Site>(
    SITES,
    namespace,
    name,
    { metadata: { annotations: { [ANNOTATION_PAIR]: request } } },
    signal,
  );
  if (!asked.ok) throw new Fault('DirectorRefused', `The checks were not asked for: ${asked.message}`);
  const endMs = deps.clock.monotonicMs() + order.deadlineMs;
  const said = new Set<string>();
  let seen = asked.value;
  while (deps.clock.monotonicMs() < endMs) {
    const { cluster: plug, pairing } = seen.status ?? {};
    if (plug !== undefined && plug.uid !== cluster.metadata.uid) {
      const message = `Cluster ${plug.name} is plugged into site ${name}; unplug it first: outrigger site unpair ${name} -n ${namespace}\n`;
      return { exit: 3, message, site: seen };
    }
    const isAnswered = pairing?.answeredRequest === request;
    if (isAnswered || pairing?.state === 'Checking') showNew(deps, seen, said);
    if (isAnswered) return { site: seen };
    await deps.clock.sleep(LOOK_EVERY_MS, signal);
    seen = await readSite(deps.api, namespace, name, signal);
  }
  const message = `The primary of cluster ${cluster.metadata.name} did not check site ${name} within ${order.deadlineMs / 1000} s; see whether it runs and hears a director (outrigger status). The request stands.\n`;
  return { exit: 5, message, site: seen };
}

function showNew(deps: SiteDeps, site: Site, said: Set<string>): void {
  for (const line of site.status?.pairing?.checks ?? []) {
    const text = renderCheck(line);
    if (!said.has(text)) deps.show(text);
    said.add(text);
  }
}

/** Server → thumbprint that a person accepts for it. */
async function acceptedPins(deps: SiteDeps, order: PairOrder, site: Site, signal: AbortSignal): Promise<Map<string, string>> {
  const { checks = [], thumbprints = {} } = site.status?.pairing ?? {};
  const accepted = new Map<string, string>();
  for (const { name, url, pin } of site.spec.connectionServers) {
    const shown = thumbprints[name];
    const isOpen = checks.some((line) => line.server === name && line.check === 'Thumbprint' && line.result !== 'Passed');
    if (shown === undefined || shown === pin || !isOpen) continue;
    if (order.accept.includes(shown) || (await isAccepted(deps, { name, url, pin, shown }, signal))) accepted.set(name, shown);
  }
  return accepted;
}

interface Question {
  readonly name: string;
  readonly url: string;
  readonly pin: string | undefined;
  readonly shown: string;
}

async function isAccepted(deps: SiteDeps, { name, url, pin, shown }: Question, signal: AbortSignal): Promise<boolean> {
  if (deps.ask === undefined) return false;
  const instead = pin === undefined ? '' : `  instead of the pinned\n  ${pin}\n`;
  deps.show(`\n${name} (${url}) shows the certificate\n  ${shown}\n${instead}Compare it with the one at the server: its log names it.\n`);
  const answer = await deps.ask('Is it the same, and do you accept it? [y/N] ', signal);
  return /^y(es)?$/i.test(answer.trim());
}

async function writePins(
  deps: SiteDeps,
  order: PairOrder,
  site: Site,
  accepted: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const connectionServers = site.spec.connectionServers.map((server) => {
    const pin = accepted.get(server.name) ?? server.pin;
    return { ...server, ...(pin === undefined ? {} : { pin }) };
  });
  const { uid } = site.metadata;
  const seen = await readSite(deps.api, order.namespace, order.name, signal);
  // What was shown was shown by the servers of this generation.
  if (seen.metadata.uid !== uid || seen.metadata.generation !== site.metadata.generation)
    throw new Fault('DirectorRefused', `Site ${order.name} was changed meanwhile; nothing was accepted. Run it again.`);
  const patch = { metadata: { uid, resourceVersion: seen.metadata.resourceVersion }, spec: { connectionServers } };
  const answer = await deps.api.mergePatch<Site>(SITES, order.namespace, order.name, patch, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `The thumbprints were not written: ${answer.message}`);
  for (const [name, pin] of accepted) deps.show(`Accepted for ${name}: ${pin}\n`);
}

function finished({ name, namespace, accept }: PairOrder, site: Site): SiteOutcome {
  const { state, message = '', thumbprints = {} } = site.status?.pairing ?? {};
  const exit = siteExit(site);
  const unseen = accept.filter((one) => !Object.values(thumbprints).includes(one));
  const nobody = unseen.length === 0 ? '' : `No connection server shows ${unseen.join(', ')}.\n`;
  if (exit !== 3) return { exit, message: `${nobody}Site ${name} is ${state === 'Paired' ? 'paired' : 'not paired'}: ${message}\n`, site };
  const waiting = (site.status?.pairing?.checks ?? []).filter((line) => line.result === 'Waiting');
  const accepts = waiting.map(({ server }) => `--accept ${thumbprints[server] ?? ''}`).join(' ');
  return {
    exit,
    message: `${nobody}Site ${name} is not paired: a person must compare and accept what ${waiting.map(({ server }) => server).join(' and ')} showed. At a terminal this command asks; in a script:\n  outrigger site pair ${name} -n ${namespace} ${accepts}\n`,
    site,
  };
}

// ---- unpair -----------------------------------------------------------------------------------------------------------------------------

/** Takes spec.site out and waits until the Site is free. `force`: without the cluster's agents. */
export async function unpairSite(deps: SiteDeps, order: SiteOrder, force: boolean, signal: AbortSignal): Promise<SiteOutcome> {
  const { namespace, name } = order;
  let site = await readSite(deps.api, namespace, name, signal);
  const plug = site.status?.cluster;
  const clusters = await clustersOf(deps.api, namespace, signal);
  for (const cluster of clusters.filter((one) => one.spec.site === name)) {
    const answer = await deps.api.mergePatch<Cluster>(CLUSTERS, namespace, cluster.metadata.name, { spec: { site: null } }, signal);
    if (!answer.ok)
      throw new Fault('DirectorRefused', `spec.site was not taken out of cluster ${cluster.metadata.name}: ${answer.message}`);
    deps.show(`Cluster ${cluster.metadata.name} names site ${name} no more.\n`);
  }
  if (force && plug !== undefined) {
    const patch = { metadata: { annotations: { [ANNOTATION_FORCE_UNPLUG]: plug.uid } } };
    const answer = await deps.api.mergePatch<Site>(SITES, namespace, name, patch, signal);
    if (!answer.ok) throw new Fault('DirectorRefused', `It was not forced: ${answer.message}`);
  }
  const endMs = deps.clock.monotonicMs() + order.deadlineMs;
  for (site = await readSite(deps.api, namespace, name, signal); site.status?.cluster !== undefined;) {
    if (deps.clock.monotonicMs() >= endMs) return stillPlugged(order, force, site);
    await deps.clock.sleep(LOOK_EVERY_MS, signal);
    site = await readSite(deps.api, namespace, name, signal);
  }
  const left = site.status?.leftBehind ?? [];
  if (left.length === 0) return { exit: 0, message: `Site ${name} is free.\n`, site };
  return {
    exit: 1,
    message: `Site ${name} is free, and this stays at its connection servers:\n${left.map((one) => `  ${one}\n`).join('')}`,
    site,
  };
}

function stillPlugged({ name, namespace, deadlineMs }: SiteOrder, force: boolean, site: Site): SiteOutcome {
  const cluster = site.status?.cluster?.name ?? '';
  const what = force
    ? 'no extension server let go of it; see whether one runs (outrigger status)'
    : `its primary did not unplug it; see whether it runs and hears a director (outrigger status), or do it without: outrigger site unpair ${name} -n ${namespace} --force`;
  return {
    exit: 5,
    message: `Cluster ${cluster} is still plugged into site ${name} after ${deadlineMs / 1000} s: ${what}. The request stands.\n`,
    site,
  };
}
