/**
 * What commands for people need of the API besides `EntityApi`: a create that is only tried, and text as it comes.
 *
 * I1: a try is asked of the director itself, so that it says what it would say, and leaves nothing behind.
 * I2: a redirect (the tunnel is at another director) is followed once, over https, for the same path, with the same trust; any other is refused.
 */

// Not the whole client (src/platform/light-kubernetes.ts).
import { HttpMethod } from '@kubernetes/client-node/dist/gen/http/http.js';
import { request } from 'undici';
import type { Dispatcher } from 'undici';

import type { ResourceAddress } from '../model/core-kinds.ts';
import { Fault } from '../model/fault.ts';
import type { JsonObject } from '../model/json.ts';
import { isJsonObject } from '../model/json.ts';
import { resourcePath, textOf } from '../model/wire.ts';
import type { Answer } from '../ports/api.ts';
import { answered, contextOf, dispatcherOf, loadConfig, parseBody, sendCall, unreachableFault } from './kubernetes.ts';
import type { Access, KubeconfigSource } from './kubernetes.ts';

/** What creating `object` would bring: validated, defaulted and admitted as a create is, and not stored. */
export async function tryCreate<T>(
  source: KubeconfigSource,
  address: ResourceAddress<T>,
  namespace: string,
  object: object,
  signal: AbortSignal,
): Promise<Answer<T>> {
  const path = resourcePath(address, namespace);
  const call = { method: HttpMethod.POST, path, query: { dryRun: 'All' }, body: object as JsonObject, signal };
  return answered(await sendCall(loadConfig(source), call));
}

type Query = Readonly<Record<string, string | undefined>>;

/** Text of `path` as it comes, until it ends. Throws `Fault`: DirectorRefused with the API's sentence, PeerUnreachable when the site cannot be reached. */
export async function readText(
  source: KubeconfigSource,
  path: string,
  query: Query,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const access = loadConfig(source);
  const first = await ask(access, path, query, undefined, signal);
  const elsewhere = first.statusCode === 307 ? originOf(first.headers['location'], path) : undefined;
  if (elsewhere !== undefined) await first.body.dump();
  const response = elsewhere === undefined ? first : await ask(access, path, query, elsewhere, signal);
  if (response.statusCode !== 200) throw refusedFault(response.statusCode, await response.body.text());
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) onText(decoder.decode(chunk, { stream: true }));
  } catch (cause) {
    if (signal.aborted) return;
    throw new Fault('PeerUnreachable', 'It broke off in the middle; the node or its tunnel went away. Ask again.', { cause });
  }
}

async function ask(
  access: Access,
  path: string,
  query: Query,
  origin: string | undefined,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const { url, context } = await contextOf(access, { method: HttpMethod.GET, path, query, signal });
  const target = origin === undefined ? url : new URL(url.pathname + url.search, origin);
  try {
    // Who follows a log may see nothing for hours.
    return await request(target, {
      headers: { ...context.getHeaders(), accept: 'text/plain' },
      bodyTimeout: 0,
      signal,
      ...dispatcherOf(context),
    });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw unreachableFault(target, HttpMethod.GET, cause);
  }
}

/** I2. Undefined: it leads elsewhere. */
function originOf(location: string | string[] | undefined, path: string): string | undefined {
  if (typeof location !== 'string' || !URL.canParse(location)) return undefined;
  const url = new URL(location);
  return url.protocol === 'https:' && url.pathname.endsWith(path) ? url.origin : undefined;
}

function refusedFault(status: number, text: string): Fault {
  const body = parseBody(text);
  const said = body !== undefined && isJsonObject(body) ? textOf(body['message']) : undefined;
  const message = said ?? `The API answered ${status}.`;
  return new Fault(status >= 500 ? 'PeerUnreachable' : 'DirectorRefused', message);
}
