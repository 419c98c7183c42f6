/**
 * Speaking to a real director's API in tests, in a namespace made for it: answers as typed objects, and the few objects that tests make again and again.
 */
import assert from 'node:assert/strict';
import { startDirector } from './director.ts';
import type { CallOptions, HttpResult, LineStream, TestDirector, WatchLine } from './director.ts';

export const BASE = '/apis/outrigger.dev/v1/namespaces/wire/clusters';
export const MAPS = '/api/v1/namespaces/wire/configmaps';
export const MERGE = { 'content-type': 'application/merge-patch+json' };

let started: TestDirector | undefined;

/** Starts the director that all below speak to; call it in `before`. */
export async function startWire(): Promise<TestDirector> {
  started = await startDirector();
  assert.equal((await started.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'wire' } } })).status, 201);
  return started;
}

export interface Entity {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly finalizers?: string[];
    readonly ownerReferences?: { readonly uid: string }[];
    readonly labels?: Record<string, string>;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly spec?: { readonly workers: number };
  readonly status?: { readonly phase?: string };
  readonly data?: Record<string, string>;
  readonly items?: Entity[];
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: { readonly field: string }[] };
}

export async function call(
  method: string,
  path: string,
  options?: CallOptions,
): Promise<{ status: number; body: Entity; raw: HttpResult }> {
  assert.ok(started !== undefined, 'startWire was called');
  const raw = await started.call(method, path, options);
  return { status: raw.status, body: raw.json() as unknown as Entity, raw };
}

export async function create(name: string, metadata: object = {}, spec: object = {}): Promise<Entity> {
  const body = { metadata: { name, ...metadata }, spec: { virtualDataCenter: 'v', release: 'r', ...spec } };
  const answer = await call('POST', BASE, { body });
  assert.equal(answer.status, 201, answer.raw.text);
  return answer.body;
}

export async function createMap(name: string, data: Record<string, string> = {}, metadata: object = {}): Promise<Entity> {
  const answer = await call('POST', MAPS, { body: { metadata: { name, ...metadata }, data } });
  assert.equal(answer.status, 201, answer.raw.text);
  return answer.body;
}

export const merge = (path: string, body: object): ReturnType<typeof call> => call('PATCH', path, { body, headers: MERGE });

export async function line(stream: LineStream): Promise<WatchLine> {
  const next = await stream.next();
  assert.ok(next !== undefined, 'the stream goes on');
  return next;
}
