/**
 * A browser without a script, as far as the portal needs one: cookies, forms, and what was sent over TLS.
 */
import { execFile } from 'node:child_process';
import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { PORTS } from '../../src/model/ports.ts';
import { programCommand } from '../../src/platform/program.ts';

export interface PortalAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface PortalClient {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<PortalAnswer>;
  /** A form, with the CSRF token of the page that was loaded last unless `fields` has one. */
  post(path: string, fields: Readonly<Record<string, string>>, headers?: Readonly<Record<string, string>>): Promise<PortalAnswer>;
  cookie(): string | undefined;
  csrf(): string;
}

export function portalClient(address: string): PortalClient {
  let cookie: string | undefined;
  let csrf = '';
  const ask = async (method: string, path: string, headers: Readonly<Record<string, string>>, body = ''): Promise<PortalAnswer> => {
    const answer = await askPortal(address, method, path, { ...(cookie === undefined ? {} : { cookie }), ...headers }, body);
    const set = answer.headers['set-cookie']?.[0]?.split(';', 1)[0];
    if (set !== undefined) cookie = set.endsWith('=') ? undefined : set;
    csrf = /name="csrf" value="([0-9a-f]{64})"/.exec(answer.text)?.[1] ?? csrf;
    return answer;
  };
  return {
    get: (path, headers = {}) => ask('GET', path, headers),
    post: (path, fields, headers = {}) =>
      ask(
        'POST',
        path,
        { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        new URLSearchParams({ csrf, ...fields }).toString(),
      ),
    cookie: () => cookie,
    csrf: () => csrf,
  };
}

export function askPortal(
  address: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
  identity: { readonly certificate: string; readonly privateKey: string } | undefined = undefined,
): Promise<PortalAnswer> {
  return new Promise((done, failed) => {
    const agent = new Agent({
      keepAlive: false,
      ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.privateKey }),
    });
    const sent = request(
      {
        host: address,
        port: PORTS.portal,
        method,
        path,
        agent,
        rejectUnauthorized: false,
        headers: { 'content-length': Buffer.byteLength(body), ...headers },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const whole = Buffer.concat(chunks);
          done({ status: answer.statusCode ?? 0, headers: answer.headers, body: whole, text: whole.toString('utf8') });
        });
        answer.on('error', failed);
      },
    );
    sent.setTimeout(60_000, () => sent.destroy(new Error('no answer within 60 s')));
    sent.on('error', failed);
    sent.end(body);
  });
}

/** As the owner of the machine makes one. */
export function makePassword(dir: string): Promise<{ readonly password: string; readonly url: string; readonly thumbprint: string }> {
  const [command, ...args] = programCommand(['portal', 'password', '--dir', dir, '--json']);
  return new Promise((done, failed) => {
    execFile(command, args, (error, out, err) => (error === null ? done(JSON.parse(out) as never) : failed(new Error(err))));
  });
}
