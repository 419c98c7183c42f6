/** Calls that commands for people make besides those of every client: a create that is only tried, and text as it comes, also from another director. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { readText, tryCreate } from '../../../src/client/person-calls.ts';
import { CLUSTERS } from '../../../src/model/addresses.ts';
import { isFault } from '../../../src/model/fault.ts';
import { testAuthority } from '../../support/fake-director.ts';
import type { TestAuthority } from '../../support/fake-director.ts';

const LOG = '/apis/outrigger.dev/v1/namespaces/demo/clusternodes/pier-a1-n0/log';
const until = AbortSignal.timeout(30_000);

interface Answering {
  readonly url: string;
  readonly requests: { readonly path: string | undefined; readonly client: string | undefined }[];
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  readonly close: () => void;
}

/** Over HTTP/1.1, as this client speaks. */
async function answering(by: TestAuthority): Promise<Answering> {
  const { certificate, privateKey } = await by.issue('director', 'server');
  const tls = { cert: certificate + by.certificate, key: privateKey, ca: by.certificate, requestCert: true, rejectUnauthorized: true };
  const made: Answering = {
    url: '',
    requests: [],
    answer: (_, response) => response.writeHead(404).end(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  const server = createServer(tls, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    made.requests.push({ path: request.url, client: typeof subject.CN === 'string' ? subject.CN : undefined });
    request.resume();
    made.answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return Object.assign(made, { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

let here: Answering;
let there: Answering;
let source: { readonly text: string };
before(async () => {
  const authority = await testAuthority();
  [here, there] = await Promise.all([answering(authority), answering(authority)]);
  const { certificate, privateKey } = await authority.issue('admin', 'client');
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  source = {
    text: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: here.url, 'certificate-authority-data': base64(authority.certificate) } }],
      users: [{ name: 'u', user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(privateKey) } }],
    }),
  };
});
after(() => {
  here.close();
  there.close();
});

async function textOf(): Promise<string> {
  let text = '';
  await readText(source, LOG, { service: 'hello', container: undefined }, (part) => (text += part), until);
  return text;
}

test('I1: a try is sent as a dry run, and a refusal is an answer', async () => {
  here.answer = (_, response) => {
    response.writeHead(422, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ kind: 'Status', reason: 'Invalid', message: 'spec.workers: must be at most 8' }));
  };
  const answer = await tryCreate(source, CLUSTERS, 'demo', { kind: 'Cluster' }, until);
  assert.deepEqual(answer, { ok: false, reason: 'Invalid', message: 'spec.workers: must be at most 8' });
  assert.equal(here.requests.at(-1)?.path, '/apis/outrigger.dev/v1/namespaces/demo/clusters?dryRun=All');
});

describe('I2: a redirect', () => {
  const redirect = (location: string) => {
    here.answer = (_, response) => {
      response.writeHead(307, { location });
      response.end();
    };
  };

  test('to another director is followed, with the same credentials and the same query', async () => {
    redirect(`${there.url}${LOG}?service=hello`);
    there.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('one\ntwo\n');
    };
    assert.equal(await textOf(), 'one\ntwo\n');
    const { path, client } = there.requests.at(-1) ?? {};
    assert.deepEqual([path, client], [`${LOG}?service=hello`, 'admin']);
  });

  test('to another path, or without TLS, or a second one is not', async () => {
    const before = there.requests.length;
    for (const location of [`${there.url}/elsewhere`, `http://127.0.0.1:1${LOG}`, 'nonsense']) {
      redirect(location);
      await assert.rejects(textOf(), (error) => isFault(error, 'DirectorRefused'), location);
    }
    assert.equal(there.requests.length, before);
    redirect(`${there.url}${LOG}`);
    there.answer = (_, response) => {
      response.writeHead(307, { location: `${here.url}${LOG}` });
      response.end();
    };
    await assert.rejects(textOf(), (error) => isFault(error, 'DirectorRefused'));
  });
});

test('a site that cannot be reached is told in the gateway’s own sentence', async () => {
  here.answer = (_, response) => {
    response.writeHead(503, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ kind: 'Status', message: 'pier-a1-n0 has no tunnel.' }));
  };
  await assert.rejects(textOf(), (error) => isFault(error, 'PeerUnreachable') && error.message === 'pier-a1-n0 has no tunnel.');
});
