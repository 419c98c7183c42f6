/**
 * The load generator's client: HTTP/1.1 keep-alive over TLS, many requests in flight, latencies kept.
 */

import { Pool } from 'undici';

export interface Target {
  readonly origin: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly bytes: number;
}

export interface BenchClient {
  request(method: string, path: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  /** Opens a watch on a connection of its own; `onLine` gets each line. Resolves once the headers are there. */
  watch(path: string, onLine: (line: Buffer) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export function connect(target: Target, connections: number): BenchClient {
  const tls = { ca: target.ca, cert: target.cert, key: target.key };
  const pool = new Pool(target.origin, { connections, pipelining: 1, connect: tls, allowH2: false, bodyTimeout: 0 });
  const watchers = new Pool(target.origin, { connections: 200, pipelining: 1, connect: tls, allowH2: false, bodyTimeout: 0 });
  return {
    request: async (method, path, body, headers) => {
      const answer = await pool.request({
        method,
        path,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body }),
      });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      return { status: answer.statusCode, bytes: bytes.length, text: bytes.length < 4_000_000 ? bytes.toString() : '' };
    },
    watch: async (path, onLine, signal) => {
      const answer = await watchers.request({ method: 'GET', path, signal });
      if (answer.statusCode !== 200) throw new Error(`the watch ${path} was answered ${answer.statusCode}: ${await answer.body.text()}`);
      answer.body.on('error', () => undefined);
      splitLines(answer.body, onLine);
    },
    close: async () => {
      await pool.destroy();
      await watchers.destroy();
    },
  };
}

function splitLines(body: NodeJS.ReadableStream, onLine: (line: Buffer) => void): void {
  let rest: Buffer[] = [];
  body.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const tail = chunk.subarray(from, at);
      onLine(rest.length === 0 ? tail : Buffer.concat([...rest, tail]));
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  });
}

export interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
}

/** Runs `count` calls, `inFlight` at a time, and measures. `call` returns whether it went well. */
export async function measure(count: number, inFlight: number, call: (index: number) => Promise<boolean>): Promise<Sample> {
  const latencies = new Float64Array(count);
  let next = 0;
  let failures = 0;
  const begin = performance.now();
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const started = performance.now();
      if (!(await call(index))) failures += 1;
      latencies[index] = performance.now() - started;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - begin) / 1000;
  latencies.sort();
  return { perSecond: count / seconds, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), failures };
}

/** Of sorted numbers. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
