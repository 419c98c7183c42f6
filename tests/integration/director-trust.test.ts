/**
 * Who is a director, judged by us: by pin, by name, by purpose, and by trusted time instead of the wall clock.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CLUSTER_NODES } from '../../src/model/addresses.ts';
import { isFault } from '../../src/model/fault.ts';
import { directors } from '../../src/platform/join.ts';
import { judgeCertificate } from '../../src/platform/mutual-http.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Identity } from '../../src/ports/director.ts';
import { fakeDirector, reply, testAuthority } from '../support/fake-director.ts';
import type { FakeDirector, TestAuthority } from '../support/fake-director.ts';

const DAY_MS = 24 * 3600 * 1000;
const YEAR_MS = 365 * DAY_MS;
const never = new AbortController().signal;
const door = directors(systemRandom());
const open: { close(): void | Promise<void> }[] = [];
let authority: TestAuthority;
let identity: Identity;

before(async () => {
  authority = await testAuthority();
  identity = { ...(await authority.issue('outrigger:node:abc:1', 'client')), authority: authority.certificate };
});
after(async () => {
  for (const one of open.reverse()) await one.close();
});

type Dates = {
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly names?: readonly string[];
  readonly organization?: string;
};

async function director(dates: Dates, usage: 'server' | 'client' = 'server'): Promise<FakeDirector> {
  const names = usage === 'server' ? { names: ['127.0.0.1', 'localhost'] } : {};
  const made = await fakeDirector(authority, undefined, await authority.issue('director', usage, { ...names, ...dates }));
  made.answer = (_, response) => reply(response, 200, { metadata: { name: 'n', uid: 'n', resourceVersion: '5' } });
  open.push(made);
  return made;
}

/** Asks `server`, with `trustedNowMs` for the time and a wall clock that is off by `wallOffMs`. */
async function ask(server: FakeDirector, trustedNowMs: number, wallOffMs = 0): Promise<boolean> {
  const now = Date.now;
  Date.now = () => now() + wallOffMs;
  const api = door.open({ directors: [server.url], identity, era: undefined, trustedNowMs: () => trustedNowMs });
  try {
    return (await api.get(CLUSTER_NODES, 'demo', 'n', never)).ok;
  } catch (cause) {
    if (!isFault(cause, 'DirectorUnreachable')) throw cause;
    return false;
  } finally {
    Date.now = now;
    api.close();
  }
}

test('I1: a wall clock that is years off cuts nobody off from a director, in either direction', async () => {
  const server = await director({});
  const nowMs = Date.now();
  assert.ok(await ask(server, nowMs, 12 * YEAR_MS), 'the wall clock is 12 years ahead');
  assert.ok(await ask(server, nowMs, -30 * YEAR_MS), 'the wall clock is 30 years behind');
  assert.ok(await ask(server, nowMs - 3 * YEAR_MS, 0), 'trusted time is behind: the machine was off for three years');
  assert.ok(await ask(server, nowMs + 3 * YEAR_MS, 0), 'trusted time ran ahead, as a director told it; only a director can correct that');
});

test('I1: a certificate that has ended is refused before anything is sent, also while the wall clock is wrong', async () => {
  const nowMs = Date.now();
  const server = await director({ notBeforeMs: nowMs - 2 * YEAR_MS, notAfterMs: nowMs - DAY_MS });
  assert.ok(!(await ask(server, nowMs)));
  assert.ok(!(await ask(server, nowMs, 12 * YEAR_MS)));
  assert.equal(server.requests.length, 0);
});

test('I1: a certificate of our CA for another name, or for a client, is no director', async () => {
  const nowMs = Date.now();
  const elsewhere = await director({ names: ['director.example'] });
  const node = await director({}, 'client');
  assert.ok(!(await ask(elsewhere, nowMs)));
  assert.ok(!(await ask(node, nowMs)), 'whoever stole the key of a node cannot pose as a director');
  const named = await director({ organization: 'outrigger:nodes' });
  assert.ok(!(await ask(named, nowMs)), 'nor with a certificate by which nodes serve each other, whatever names it bore');
  assert.equal(elsewhere.requests.length + node.requests.length + named.requests.length, 0);
});

test('I2: the first join judges no date, for it knows no time; the pinned CA alone decides', async () => {
  const nowMs = Date.now();
  const server = await director({ notBeforeMs: nowMs - 2 * YEAR_MS, notAfterMs: nowMs - YEAR_MS });
  server.answer = (_, response) => reply(response, 200, { certificate: 'C', ca: 'A', notAfter: 'x', era: { number: 3, id: 'e' } });
  const order = { directors: [server.url], caHash: authority.hash, token: 'demo.id.secret', request: 'CSR' };
  assert.equal((await door.join(order, never)).certificate, 'C');
  const elsewhere = await director({ names: ['director.example'] });
  await assert.rejects(door.join({ ...order, directors: [elsewhere.url] }, never), (fault) => isFault(fault, 'DirectorUnreachable'));
  assert.equal(elsewhere.requests.length, 0);
});

test('a pair is not cut: a node that was off, and so is behind, takes the certificate that the other one renewed meanwhile', async () => {
  const nowMs = Date.now();
  const { certificate } = await authority.issue('outrigger:node:def:1', 'client', {
    notBeforeMs: nowMs + 200 * DAY_MS,
    notAfterMs: nowMs + YEAR_MS,
  });
  const der = Buffer.from(certificate.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  const trust = { kind: 'authority', authority: authority.certificate, accepts: () => undefined } as const;
  assert.equal(judgeCertificate(der, 'def', trust, nowMs), undefined);
  assert.match(judgeCertificate(der, 'def', trust, nowMs + YEAR_MS + DAY_MS) ?? '', /ended on/);
});
