/**
 * The phases of the director's bench, each a function of the client: what is asked, how often, how many at a time.
 */

import { measure, median } from './client.ts';
import type { Answered, BenchClient, Sample } from './client.ts';
import { BASE, benchObject, objectName, statusPatch } from './workload.ts';

export interface Sizes {
  /** Objects, and requests of a phase. */
  readonly objects: number;
  readonly inFlight: number;
  /** Requests of the one-at-a-time phases. */
  readonly alone: number;
  /** Repetitions of a list. */
  readonly lists: number;
}

const MERGE = { 'content-type': 'application/merge-patch+json' };

export function createAll(client: BenchClient, sizes: Sizes): Promise<Sample> {
  const bodies = Array.from({ length: sizes.objects }, (_, index) => JSON.stringify(benchObject(index)));
  return measure(sizes.objects, sizes.inFlight, async (index) => (await client.request('POST', BASE, bodies[index])).status === 201);
}

export function getAll(client: BenchClient, sizes: Sizes): Promise<Sample> {
  return measure(sizes.objects, sizes.inFlight, async (index) => ok(await client.request('GET', `${BASE}/${objectName(index)}`)));
}

export function patchStatusAll(client: BenchClient, sizes: Sizes, round: number): Promise<Sample> {
  return measure(sizes.objects, sizes.inFlight, (index) => patchStatus(client, index, round));
}

export function getPutAll(client: BenchClient, sizes: Sizes, round: number): Promise<Sample> {
  return measure(sizes.objects, sizes.inFlight, async (index) => {
    const path = `${BASE}/${objectName(index)}`;
    const answer = await client.request('GET', path);
    if (!ok(answer)) return false;
    const object = JSON.parse(answer.text) as { spec: { displayName: string } };
    object.spec.displayName = `Renamed in round ${round}`;
    return ok(await client.request('PUT', path, JSON.stringify(object)));
  });
}

/** Undefined: the director does not support server-side apply yet, and says so itself (415). */
export async function applyAll(client: BenchClient, sizes: Sizes): Promise<Sample | undefined> {
  const apply = (index: number): Promise<Answered> => {
    const object = benchObject(index);
    return client.request('PATCH', `${BASE}/${objectName(index)}?fieldManager=bench&force=true`, JSON.stringify(object), {
      'content-type': 'application/apply-patch+yaml',
    });
  };
  const first = await apply(0);
  if (first.status === 415) return undefined;
  return measure(sizes.objects, sizes.inFlight, async (index) => ok(await apply(index)));
}

export function deleteAll(client: BenchClient, sizes: Sizes): Promise<Sample> {
  return measure(sizes.objects, sizes.inFlight, async (index) => ok(await client.request('DELETE', `${BASE}/${objectName(index)}`)));
}

export function getAlone(client: BenchClient, sizes: Sizes): Promise<Sample> {
  return measure(sizes.alone, 1, async (index) => ok(await client.request('GET', `${BASE}/${objectName(index % sizes.objects)}`)));
}

export function patchStatusAlone(client: BenchClient, sizes: Sizes): Promise<Sample> {
  return measure(sizes.alone, 1, (index) => patchStatus(client, index % sizes.objects, 1_000 + index));
}

export async function patchStatus(client: BenchClient, index: number, round: number): Promise<boolean> {
  return ok(await client.request('PATCH', `${BASE}/${objectName(index)}/status`, JSON.stringify(statusPatch(round)), MERGE));
}

export interface ListSample {
  readonly medianMs: number;
  readonly megabytes: number;
}

export async function listTimes(client: BenchClient, repeat: number, once: (client: BenchClient) => Promise<number>): Promise<ListSample> {
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < repeat; i++) {
    const begin = performance.now();
    bytes = await once(client);
    times.push(performance.now() - begin);
  }
  return { medianMs: median(times), megabytes: bytes / 1e6 };
}

async function listOnce(client: BenchClient, query: string, headers?: Record<string, string>): Promise<number> {
  const answer = await client.request('GET', `${BASE}${query}`, undefined, headers);
  if (!ok(answer)) throw new Error(`the list ${query} was answered ${answer.status}`);
  return answer.bytes;
}

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export const LISTS: Readonly<Record<string, (client: BenchClient) => Promise<number>>> = {
  full: (client) => listOnce(client, ''),
  fullCached: (client) => listOnce(client, '?resourceVersion=0'),
  fullGzip: (client) => listOnce(client, '', { 'accept-encoding': 'gzip' }),
  pages: (client) => listPages(client),
  tablePage: (client) => listOnce(client, '?limit=500', { accept: TABLE }),
  initialEvents: (client) => initialEvents(client),
};

async function listPages(client: BenchClient): Promise<number> {
  let bytes = 0;
  let next = '';
  do {
    // The continue token stands in the metadata, at the end or the start of the body;.
    const answer = await client.request('GET', `${BASE}?limit=500${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`);
    if (!ok(answer)) throw new Error(`a page was answered ${answer.status}`);
    bytes += answer.bytes;
    next = /"continue":"([^"]+)"/.exec(answer.text)?.[1] ?? '';
  } while (next !== '');
  return bytes;
}

async function initialEvents(client: BenchClient): Promise<number> {
  const stop = new AbortController();
  let bytes = 0;
  const query = '?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
  await new Promise<void>((resolve, reject) => {
    const onLine = (line: Buffer): void => {
      bytes += line.length + 1;
      if (line.indexOf('"BOOKMARK"') >= 0) resolve();
    };
    client.watch(`${BASE}${query}`, onLine, stop.signal).catch(reject);
  });
  stop.abort();
  return bytes;
}

function ok(answer: Answered): boolean {
  return answer.status >= 200 && answer.status < 300;
}
