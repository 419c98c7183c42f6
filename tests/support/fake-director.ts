/**
 * A TLS server that answers as a test says: for what a real director does only by accident (hangs, tears, lies about its era).
 */
import { createSecureServer } from 'node:http2';
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { certificateIssuer } from '../../src/platform/x509.ts';

const YEAR_MS = 365 * 24 * 3600 * 1000;

export interface TestAuthority {
  readonly certificate: string;
  readonly hash: string;
  readonly issue: (
    commonName: string,
    usage: 'client' | 'server',
    other?: {
      readonly notBeforeMs?: number;
      readonly notAfterMs?: number;
      readonly names?: readonly string[];
      readonly organization?: string;
    },
  ) => Promise<{ certificate: string; privateKey: string }>;
}

export async function testAuthority(name = 'test'): Promise<TestAuthority> {
  const issuer = certificateIssuer();
  const now = Date.now();
  const made = await issuer.createAuthority(name, now - 60_000, now + YEAR_MS);
  const authority = await issuer.openAuthority(made.certificatePem, made.privateKeyPem);
  return {
    certificate: authority.certificatePem,
    hash: authority.publicKeyHash,
    issue: async (commonName, usage, other = {}) => {
      const key = issuer.newKey();
      const names = usage === 'server' ? { names: ['127.0.0.1', 'localhost'] } : {};
      const order = {
        commonName,
        publicKeyDer: key.publicKeyDer,
        notBeforeMs: now - 60_000,
        notAfterMs: now + YEAR_MS,
        usage,
        ...names,
        ...other,
      };
      return { certificate: await authority.issue(order), privateKey: key.privateKeyPem };
    },
  };
}

export interface FakeDirector {
  readonly url: string;
  /** Every request so far: method, path with query, body. */
  readonly requests: { readonly method: string; readonly path: string; readonly body: string; readonly client: string | undefined }[];
  answer: (request: Http2ServerRequest, response: Http2ServerResponse, body: string) => void;
  /** Cuts all connections, without a word. */
  cut(): void;
  close(): Promise<void>;
}

/** `shown`: the CA certificate in the chain; the server's own certificate is always of `authority`, `own` where another is wanted. */
export async function fakeDirector(
  authority: TestAuthority,
  shown: string = authority.certificate,
  own?: { readonly certificate: string; readonly privateKey: string },
): Promise<FakeDirector> {
  const { certificate, privateKey } = own ?? (await authority.issue('director', 'server'));
  const sockets = new Set<{ destroy(): void }>();
  const server: Http2SecureServer = createSecureServer({
    cert: certificate + shown,
    key: privateKey,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const director: FakeDirector = {
    url: '',
    requests: [],
    answer: (_request, response) => response.writeHead(404).end(),
    cut: () => sockets.forEach((socket) => socket.destroy()),
    close: async () => {
      director.cut();
      await new Promise((done) => server.close(done));
    },
  };
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('sessionError', () => {});
  server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
    let body = '';
    request.on('error', () => {});
    response.on('error', () => {});
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const peer = (
        request.stream.session?.socket as { getPeerCertificate?: () => { subject?: { CN?: string } } } | undefined
      )?.getPeerCertificate?.();
      director.requests.push({ method: request.method, path: request.url, body, client: peer?.subject?.CN });
      director.answer(request, response, body);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return Object.assign(director, { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

export function reply(response: Http2ServerResponse, status: number, body: unknown, era = '1.first'): void {
  response.writeHead(status, { 'content-type': 'application/json', 'outrigger-era': era });
  response.end(JSON.stringify(body));
}
