/**
 * One round of scraping: every node of the cluster (mutual TLS) and every connection server of the site (pinned TLS, the site's account), all at once.
 *
 * I1: a target that hangs, lies or floods costs its own samples and nothing of the others'; the round ends by its deadline.
 * I2: credentials go only to a server that showed its pin.
 * I3: a round never has more samples than a cluster may have series, nor longer texts than fit into a shipment; each target has its share of both.
 * I4: who a sample is of is said by us, not by the target: what it calls `node`, `server`, `cluster` or `organization` is renamed `exported_…`.
 */

import { seriesBytes } from '../../decide/metric-shipment.ts';
import { readMetrics, seriesText } from '../../decide/metric-text.ts';
import type { Series } from '../../decide/metric-text.ts';
import { isFault } from '../../model/fault.ts';
import { NODE_METRICS_PATH } from '../../model/framework.ts';
import type { FrameworkConfig, MonitorStatus } from '../../model/framework.ts';
import { LIMITS } from '../../model/limits.ts';
import { OWN_LABELS } from '../../model/metric.ts';
import type { Sample } from '../../model/metric.ts';
import type { Clock } from '../../ports/clock.ts';
import type { MutualHttp, MutualOrder } from '../../ports/mutual-http.ts';
import type { Framework } from '../framework.ts';

export interface ScrapeDeps {
  readonly framework: Framework;
  readonly http: MutualHttp;
  readonly clock: Clock;
}

export interface Scraped {
  readonly samples: readonly Sample[];
  readonly targets: MonitorStatus['targets'];
}

interface Target {
  /** `node` or `server`. */
  readonly label: (typeof OWN_LABELS)[2 | 3];
  readonly name: string;
  readonly order: MutualOrder;
}

/** What is said about each target itself: up, duration, samples, dropped. */
const OWN_SERIES = 4;
const HTTP_OK = 200;

export async function scrapeAll(deps: ScrapeDeps, signal: AbortSignal): Promise<Scraped> {
  const targets = targetsOf(deps.framework);
  const count = Math.max(1, targets.length);
  const share: Share = {
    samples: Math.min(LIMITS.scrapeSamples, Math.floor(LIMITS.metricSeriesPerCluster / count) - OWN_SERIES),
    textBytes: Math.floor(LIMITS.metricRoundTextBytes / count),
  };
  const all = await Promise.all(targets.map((target) => scrapeOne(deps, target, share, signal)));
  return {
    samples: all.flatMap(({ samples }) => samples),
    targets: Object.fromEntries(all.map(({ target, up, message }) => [`${target.label}/${target.name}`, { up, message }])),
  };
}

function targetsOf(framework: Framework): Target[] {
  const config = framework.config();
  const identity = framework.identity();
  const common = {
    method: 'GET' as const,
    deadlineMs: LIMITS.scrapeDeadlineMs,
    maxAnswerBytes: LIMITS.scrapeBytes,
    trustedNowMs: framework.trustedNowMs(),
  };
  const nodes = config.members.map((member): Target => {
    const url = `https://${hostOf(member.address)}:${config.peerPort}${NODE_METRICS_PATH}`;
    return { label: 'node', name: member.name, order: { ...common, url, identity, trust: framework.memberTrust([member.uid]) } };
  });
  return [...nodes, ...serversOf(config, common)];
}

/** Once the site is paired: before that nobody has accepted the pins, and nothing is sent to the servers. */
function serversOf({ site }: FrameworkConfig, common: Omit<MutualOrder, 'url' | 'trust'>): Target[] {
  const account = site?.credentials;
  if (site === undefined || !site.paired || account === undefined) return [];
  const authorization = `Basic ${Buffer.from(`${account.username}:${account.password}`, 'utf8').toString('base64')}`;
  return site.servers.map(({ name, url, pin }) => ({
    label: 'server',
    name,
    order: { ...common, url: `${url.replace(/\/$/, '')}/metrics`, headers: { authorization }, trust: { kind: 'pin', pin } },
  }));
}

/** What one target may take of a round. */
interface Share {
  readonly samples: number;
  readonly textBytes: number;
}

interface Answer {
  readonly target: Target;
  readonly up: boolean;
  readonly message: string | undefined;
  readonly samples: readonly Sample[];
}

async function scrapeOne({ http, clock }: ScrapeDeps, target: Target, share: Share, signal: AbortSignal): Promise<Answer> {
  const startedMs = clock.monotonicMs();
  const own = (name: string, value: number): Sample => ({
    series: seriesText(labeled(target)({ name, labels: [] })),
    type: 'gauge',
    value,
  });
  const ended = (up: boolean, message: string | undefined, samples: readonly Sample[], dropped: number): Answer => ({
    target,
    up,
    message,
    samples: [
      ...samples,
      own('outrigger_target_up', up ? 1 : 0),
      own('outrigger_target_scrape_seconds', Math.round(clock.monotonicMs() - startedMs) / 1000),
      own('outrigger_target_samples', samples.length),
      own('outrigger_target_dropped_samples', dropped),
    ],
  });
  try {
    const answer = await http.call(target.order, signal);
    if (answer.status !== HTTP_OK) return ended(false, `${target.name} answered with status ${answer.status}.`, [], 0);
    const read = readMetrics(answer.body.toString('utf8'), share.samples, labeled(target));
    const samples = within(read.samples, share.textBytes);
    const dropped = read.dropped + read.samples.length - samples.length;
    const why = read.message ?? `the names of its series are longer than ${share.textBytes} bytes together`;
    return ended(true, dropped === 0 ? undefined : `${dropped} samples of ${target.name} were left out: ${why}.`, samples, dropped);
  } catch (cause) {
    if (signal.aborted || !isFault(cause)) throw cause;
    return ended(false, cause.message, [], 0);
  }
}

/** The first of `samples` whose texts fit. */
function within(samples: readonly Sample[], maxBytes: number): readonly Sample[] {
  let bytes = 0;
  return samples.filter(({ series }) => (bytes += seriesBytes(series)) <= maxBytes);
}

function labeled({ label, name }: Target): (series: Series) => Series {
  return (series) => ({
    name: series.name,
    labels: [
      ...series.labels.map(([key, value]): readonly [string, string] =>
        OWN_LABELS.some((one) => one === key) ? [`exported_${key}`, value] : [key, value],
      ),
      [label, name],
    ],
  });
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
