/**
 * `outrigger up`: brings everything up in order, shows it, keeps it up, and takes it down again.
 *
 * I1: at most one up works in a folder; what an earlier one left behind is adopted (the database), replaced (director, extension servers, host
 *     daemon) or left alone (nodes, which the host daemon finds again).
 * I2: whatever goes wrong on the way up, everything that was started is stopped again before the sentence is shown.
 * I3: the sample is made at the first start only (src/cli/up/apply-sample.ts).
 */

import { Fault } from '../../model/fault.ts';
import type { ExitCode } from '../../model/fault.ts';
import { createConsoleLink } from '../../client/console-link.ts';
import { SITES } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import { NAMESPACES } from '../../model/core-kinds.ts';
import { PORTS } from '../../model/ports.ts';
import type { Site } from '../../model/site.ts';
import type { ProcessId } from '../../ports/processes.ts';
import { DIRECTOR_ADDRESS, directorUrl, logFileOf, readEndpoints, removeRunMark, writeEndpoints, writeRunMark } from '../data-folder.ts';
import { troubleOf } from '../cluster-line.ts';
import { renderSeconds, renderTime } from '../screen.ts';
import { applySample, needsSite } from './apply-sample.ts';
import { keepToken, prepareExtension, prepareHost } from './credentials.ts';
import { isShortDay } from './deps.ts';
import type { AdminAccess, UpDeps, UpOptions } from './deps.ts';
import { followClusters, tellChanges } from './live.ts';
import type { ClusterFollower } from './live.ts';
import { carryOutDrills } from './drills.ts';
import { watchDirector } from './director-watch.ts';
import { takeFolder } from './only-one.ts';
import { connectionServerPart, databasePart, desktopPart, directorPart, extensionPart, hostPart } from './parts.ts';
import { SAMPLE_CLUSTER, SAMPLE_NAMESPACE, SAMPLE_SITE } from './sample.ts';
import { prepareSite } from './sample-site.ts';
import type { SampleSite } from './sample-site.ts';
import { stopEverything, stopOrphans } from './stop.ts';
import { renderSummary } from './summary.ts';
import type { SummaryView } from './summary.ts';
import { supervise } from './supervisor.ts';
import type { Part, PartEvent, Supervised } from './supervisor.ts';

/** How long the sample cluster may take before up says why it is not there, and goes on. */
const AVAILABLE_DEADLINE_MS = 120_000;
const LICENSED_DEADLINE_MS = 5_000;

/** What a run of up shares between its steps. */
interface Run {
  readonly deps: UpDeps;
  readonly options: UpOptions;
  readonly startedMs: number;
  /** Aborts when the parts are no longer to be kept alive. */
  readonly keeping: AbortController;
  readonly supervised: Supervised[];
  /** Ports on which the extension servers tell how they are, by their parts. */
  readonly health: Map<string, number>;
  /** False while coming up. */
  up: boolean;
}

/** Runs until `signal` aborts; `forced` aborts when a person wants it to end at once. */
export async function runUp(deps: UpDeps, options: UpOptions, signal: AbortSignal, forced: AbortSignal): Promise<ExitCode> {
  prepareFolders(deps);
  const giveBack = await takeFolder(deps, deps.paths);
  const run: Run = {
    deps,
    options,
    startedMs: deps.clock.monotonicMs(),
    keeping: new AbortController(),
    supervised: [],
    health: new Map(),
    up: false,
  };
  const dies = AbortSignal.any([signal, run.keeping.signal]);
  const spinner = spin(run, dies);
  try {
    const follower = await comeUp(run, dies);
    run.up = true;
    tellChanges(follower, deps.screen, () => deps.clock.nowMs(), isShortDay(options), dies);
    void watchOver(run, dies);
    void followDrills(run, dies);
    await firstEnd(run, signal);
  } catch (cause) {
    if (!signal.aborted) throw cause;
  } finally {
    run.keeping.abort(new Fault('Aborted', 'Outrigger is being stopped.'));
    await spinner;
    deps.screen.status('');
    await Promise.all(run.supervised.map((one) => one.done));
    deps.screen.line('Stopping Outrigger:');
    await stopEverything(deps, forced);
    giveBack();
  }
  if (forced.aborted) deps.screen.line('It was told to stop at once: what had not ended by itself was killed.');
  deps.screen.line(`Stopped. Everything is kept in ${deps.paths.root}.`);
  return 0;
}

/** A director that hangs is there, and of no use. */
async function watchOver({ deps, supervised }: Run, signal: AbortSignal): Promise<void> {
  const { clock, screen, paths } = deps;
  const director = supervised.find(({ part }) => part.name === 'director');
  const say = (sentence: string): void => screen.line(`${renderTime(clock.nowMs())} ${sentence}`);
  const ask = async (end: AbortSignal): Promise<unknown> => await deps.admin()?.api.list(NAMESPACES, {}, end);
  const isAlive = (): boolean => director?.isReady() === true;
  await watchDirector({ clock, isAlive, ask, say, logFile: logFileOf(paths, 'director') }, signal);
}

/** A drill of the control plane kills parts that this up runs, and sees them come back. */
async function followDrills({ deps, supervised }: Run, signal: AbortSignal): Promise<void> {
  const { clock, screen } = deps;
  const ready = (): readonly string[] => supervised.filter((one) => one.isReady()).map(({ part }) => part.name);
  const say = (sentence: string): void => screen.line(`${renderTime(clock.nowMs())} ${sentence}`);
  await carryOutDrills({ deps, api: adminOf(deps).api, ready }, say, signal);
}

function prepareFolders({ files, paths }: UpDeps): void {
  for (const folder of [paths.root, paths.runFolder, paths.logFolder]) files.ensureFolder(folder, 0o755);
}

async function comeUp(run: Run, signal: AbortSignal): Promise<ClusterFollower> {
  const { deps, options } = run;
  deps.screen.line(`Outrigger starts in ${deps.paths.root}`);
  await stopOrphans(deps, signal);
  const port = await choosePort(deps, options.port);
  const director = directorUrl(port);
  await keep(run, databasePart(deps)).ready;
  await keep(run, directorPart(deps, options, port)).ready;
  const admin = adminOf(deps);
  const site = (await needsSite(admin.api, options.sample, signal)) ? await prepareSite(deps, admin.authorityPem) : undefined;
  writeEndpoints(deps.files, deps.paths, { directorPort: port, site: site?.ports ?? {} });
  // Up before the cluster asks for them.
  const siteParts = site === undefined ? [] : keepSite(run, site);
  await prepareExtension(deps, admin, director, signal);
  const siteOrder = site === undefined ? undefined : { ...site, nowMs: deps.clock.nowMs() };
  await applySample(admin.api, deps.sample(), options.sample, siteOrder, signal);
  await prepareHost(deps, admin, director, signal);
  const follower = followClusters({ ...deps, api: admin.api, log: SILENT }, signal);
  const rest = [
    hostPart(deps, options, director),
    ...Array.from({ length: options.extensionServers }, (_, i) => extensionPart(deps, options, i + 1, run.health)),
  ];
  await Promise.all([...siteParts, ...rest.map((part) => keep(run, part))].map((one) => one.ready));
  void keepToken(deps, signal);
  const cluster = await untilLicensed(run, follower, await untilAvailable(run, follower, signal), signal);
  const consoleLink = await linkOf(run, admin, director, signal);
  showSummary(run, { director, consoleLink, cluster, site: await siteOf(admin, signal) });
  return follower;
}

function keepSite(run: Run, site: SampleSite): Supervised[] {
  const { deps, options } = run;
  const servers = site.servers.map((_, index) => connectionServerPart(deps, options, site, index + 1));
  return [desktopPart(deps, site.backendPort), ...servers].map((part) => keep(run, part));
}

function adminOf(deps: UpDeps): AdminAccess {
  const admin = deps.admin();
  if (admin === undefined)
    throw new Fault('ProgramFailed', `The director runs and has written no ${deps.paths.kubeconfig}; look into its log.`);
  return admin;
}

/** The informers' failures show in what they follow; up has no log of its own. */
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => SILENT };

async function choosePort(deps: UpDeps, wanted: number | undefined): Promise<number> {
  const remembered = readEndpoints(deps.files, deps.paths)?.directorPort;
  if (wanted === 0) {
    if (remembered !== undefined && (await deps.ports.isFree(DIRECTOR_ADDRESS, remembered))) return remembered;
    return await deps.ports.pickFree(DIRECTOR_ADDRESS);
  }
  const port = wanted ?? remembered ?? PORTS.director;
  if (await deps.ports.isFree(DIRECTOR_ADDRESS, port)) return port;
  const holder = deps.ports.holderOf(port) ?? 'another program';
  throw new Fault('PortTaken', `Port ${port} is taken by ${holder}. Stop it, or choose another port with --port (0 picks a free one).`);
}

function keep(run: Run, part: Part): Supervised {
  const { clock, random } = run.deps;
  const marked: Part = {
    ...part,
    start: async (signal) => {
      const running = await part.start(signal);
      markRunning(run, part, running.id);
      return running;
    },
  };
  const supervised = supervise(marked, { clock, random, onEvent: (event) => tell(run, event) }, run.keeping.signal);
  run.supervised.push(supervised);
  return supervised;
}

/** For people and for status alone: a process that could not be marked (a full disk) runs all the same, and a second one must not be started. */
function markRunning({ deps: { files, paths, screen } }: Run, part: Part, id: ProcessId): void {
  try {
    writeRunMark(files, paths, part.name, id);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    screen.line(`  ${part.label} runs as pid ${id.pid}, which could not be written down: ${cause.message}`);
  }
}

function tell(run: Run, event: PartEvent): void {
  const { screen, clock, files, paths } = run.deps;
  const time = renderTime(clock.nowMs());
  if (event.kind === 'ended') {
    removeRunMark(files, paths, event.part.name);
    screen.line(`${time} ${event.part.label} ${event.how}; it is started again in ${renderSeconds(event.againInMs)}`);
  }
  if (event.kind !== 'ready') return;
  const took = renderSeconds(event.tookMs);
  if (event.again) return screen.line(`${time} ${event.part.label} is back after ${took}`);
  const mark = screen.interactive ? screen.paint('good', '✓') : 'ready';
  screen.line(`  ${mark} ${event.part.label.padEnd(24)} ${took}`);
}

/** Ends when the signal aborts, or with the fault of a part that cannot be kept up. */
async function firstEnd(run: Run, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return;
  signal.addEventListener('abort', () => resolve(), { once: true });
  const broken = run.supervised.map(async (one) => {
    await one.ready;
    await one.done;
  });
  await Promise.race([promise, ...broken]);
}

/** The sample cluster once it is Available; after the deadline as it is, with a word about why. Undefined when there is none. */
async function untilAvailable(run: Run, follower: ClusterFollower, signal: AbortSignal): Promise<Cluster | undefined> {
  const { clock, screen } = run.deps;
  const startedMs = clock.monotonicMs();
  for (;;) {
    const cluster = follower.cluster(SAMPLE_NAMESPACE, SAMPLE_CLUSTER);
    const waitedMs = clock.monotonicMs() - startedMs;
    const phase = cluster?.status?.phase;
    if (follower.synced() && (cluster === undefined || phase === 'Available' || cluster.metadata.deletionTimestamp !== undefined)) {
      if (phase === 'Available') tellReady(run, waitedMs);
      return cluster;
    }
    if (waitedMs > AVAILABLE_DEADLINE_MS) {
      screen.line(
        `  The sample cluster is not available yet: ${(cluster && troubleOf(cluster)) ?? 'nobody says why'} It is being worked on.`,
      );
      return cluster;
    }
    await clock.sleep(50, signal);
  }
}

function tellReady({ deps: { screen } }: Run, tookMs: number): void {
  const mark = screen.interactive ? screen.paint('good', '✓') : 'ready';
  screen.line(`  ${mark} ${`Cluster ${SAMPLE_NAMESPACE}/${SAMPLE_CLUSTER}`.padEnd(24)} ${renderSeconds(tookMs)}`);
}

/** The first license arrives within seconds of pairing; whoever reads the summary sees it. Without one for longer: as it is. */
async function untilLicensed(
  { deps: { clock } }: Run,
  follower: ClusterFollower,
  cluster: Cluster | undefined,
  signal: AbortSignal,
): Promise<Cluster | undefined> {
  const untilMs = clock.monotonicMs() + LICENSED_DEADLINE_MS;
  let seen = cluster;
  while (seen?.spec.site !== undefined && isUnlicensed(seen) && clock.monotonicMs() < untilMs) {
    await clock.sleep(50, signal);
    seen = follower.cluster(SAMPLE_NAMESPACE, SAMPLE_CLUSTER);
  }
  return seen;
}

function isUnlicensed({ status }: Cluster): boolean {
  return status?.license === undefined || status.license.state === 'Inactive';
}

async function siteOf({ api }: AdminAccess, signal: AbortSignal): Promise<Site | undefined> {
  const answer = await api.get<Site>(SITES, SAMPLE_NAMESPACE, SAMPLE_SITE, signal);
  return answer.ok ? answer.value : undefined;
}

/** The console is a convenience: what keeps its link from being made keeps nobody from the rest. */
async function linkOf({ deps }: Run, { api }: AdminAccess, director: string, signal: AbortSignal): Promise<string | undefined> {
  const made = await createConsoleLink(api, deps.newJoinSecret, { director, nowMs: deps.clock.nowMs() }, signal);
  return made.ok ? made.value : undefined;
}

function showSummary(run: Run, known: Pick<SummaryView, 'director' | 'consoleLink' | 'cluster' | 'site'>): void {
  const { deps } = run;
  const lines = renderSummary({
    paths: deps.paths,
    ...known,
    health: run.health,
    hasKubectl: deps.hasProgram('kubectl'),
    hasCurl: deps.hasProgram('curl'),
    ownCommand: deps.ownCommand,
    took: renderSeconds(deps.clock.monotonicMs() - run.startedMs),
    shortDay: isShortDay(run.options) ? { dayMs: run.options.day, nowMs: deps.clock.nowMs() } : undefined,
  });
  for (const line of lines) deps.screen.line(line);
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;

/** While coming up, on a terminal: what is being waited for, in place. */
async function spin(run: Run, signal: AbortSignal): Promise<void> {
  const { clock, screen } = run.deps;
  if (!screen.interactive) return;
  for (let frame = 0; !signal.aborted && !run.up; frame++) {
    const waiting = run.supervised.filter((one) => !one.isReady()).map((one) => one.part.label);
    const what = waiting.length === 0 ? `cluster ${SAMPLE_NAMESPACE}/${SAMPLE_CLUSTER}` : waiting.join(', ');
    screen.status(`  ${FRAMES[frame % FRAMES.length] ?? ''} ${what} … ${renderSeconds(clock.monotonicMs() - run.startedMs)}`);
    await clock.sleep(FRAME_MS, signal).catch(() => undefined);
  }
}
