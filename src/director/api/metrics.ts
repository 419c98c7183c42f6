/**
 * What Prometheus is told of a director. Door to `prom-client`.
 *
 * Requests are counted in plain numbers and handed over when somebody looks, because counting happens tens of thousands of times a second
 * and looking once in a while.
 */

import { collectDefaultMetrics, Counter, Gauge, Registry as MetricsRegistry } from 'prom-client';

/** What is read when somebody looks. */
export interface MetricSources {
  readonly watches: () => number;
  readonly connections: () => number;
  readonly tunnels: () => number;
  readonly spansDropped: () => number;
  readonly revision: () => number;
  readonly ready: () => boolean;
  /** Group and plural of each kind, and how many there are. */
  readonly entities: () => readonly { readonly resource: string; readonly count: number }[];
}

export interface Metrics {
  /** One request was answered, after `ms`. */
  count(verb: string, code: number, ms: number): void;
  /** In the text format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Upper bounds in ms; the last bucket is open. */
const BUCKETS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000];

interface Durations {
  readonly buckets: number[];
  sumMs: number;
  count: number;
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new MetricsRegistry();
  const answered = new Map<string, Map<number, number>>();
  const durations = new Map<string, Durations>();
  collectDefaultMetrics({ register: registry });
  registerRequests(registry, answered);
  registerSources(registry, sources);
  return {
    count: (verb, code, ms) => {
      const codes = entryOf(answered, verb, () => new Map<number, number>());
      codes.set(code, (codes.get(code) ?? 0) + 1);
      const known = entryOf(durations, verb, () => ({ buckets: BUCKETS_MS.map(() => 0), sumMs: 0, count: 0 }));
      const bucket = BUCKETS_MS.findIndex((bound) => ms <= bound);
      if (bucket >= 0) known.buckets[bucket] = (known.buckets[bucket] ?? 0) + 1;
      known.sumMs += ms;
      known.count++;
    },
    text: async () => (await registry.metrics()) + durationText(durations),
    contentType: registry.contentType,
  };
}

function registerRequests(registry: MetricsRegistry, answered: ReadonlyMap<string, ReadonlyMap<number, number>>): void {
  const requests = new Counter({
    name: 'outrigger_requests_total',
    help: 'Requests answered, by verb and HTTP status',
    labelNames: ['verb', 'code'] as const,
    registers: [],
    collect() {
      this.reset();
      for (const [verb, codes] of answered) for (const [code, count] of codes) this.inc({ verb, code }, count);
    },
  });
  registry.registerMetric(requests);
}

function registerSources(registry: MetricsRegistry, sources: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    const one = new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    });
    registry.registerMetric(one);
  };
  gauge('outrigger_watches', 'Watches that are open', sources.watches);
  gauge('outrigger_connections', 'Connections that are open', sources.connections);
  gauge('outrigger_tunnels', 'Tunnels of nodes that are open here', sources.tunnels);
  const dropped = new Counter({
    name: 'outrigger_spans_dropped_total',
    help: 'Spans of traces that no collector took',
    registers: [],
    collect() {
      this.reset();
      this.inc(sources.spansDropped());
    },
  });
  registry.registerMetric(dropped);
  gauge('outrigger_store_revision', 'Revision that the copy of the store has reached', sources.revision);
  gauge('outrigger_store_ready', '1 while the copy is loaded and the database has answered lately', () => (sources.ready() ? 1 : 0));
  const entities = new Gauge({
    name: 'outrigger_entities',
    help: 'Entities in the store, by resource',
    labelNames: ['resource'] as const,
    registers: [],
    collect() {
      this.reset();
      for (const { resource, count } of sources.entities()) this.set({ resource }, count);
    },
  });
  registry.registerMetric(entities);
}

/** A histogram, written out by hand from our own buckets. */
function durationText(durations: ReadonlyMap<string, Durations>): string {
  const name = 'outrigger_request_duration_seconds';
  const lines = [`# HELP ${name} Time from a request to its answer, by verb`, `# TYPE ${name} histogram`];
  for (const [verb, { buckets, sumMs, count }] of durations) {
    let below = 0;
    for (const [i, bound] of BUCKETS_MS.entries()) {
      below += buckets[i] ?? 0;
      lines.push(`${name}_bucket{verb="${verb}",le="${bound / 1000}"} ${below}`);
    }
    lines.push(
      `${name}_bucket{verb="${verb}",le="+Inf"} ${count}`,
      `${name}_sum{verb="${verb}"} ${sumMs / 1000}`,
      `${name}_count{verb="${verb}"} ${count}`,
    );
  }
  return `\n${lines.join('\n')}\n`;
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
