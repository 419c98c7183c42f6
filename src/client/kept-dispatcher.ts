/**
 * Connections that are kept: the official client makes a dispatcher, and with it a connection and a TLS handshake, for every single request.
 *
 * That is most of what a request costs, here and at the API server. So the dispatcher is kept for as long as the kubeconfig says the same: an exec
 * plug-in or a file may give other credentials at any time, and then the next request has a dispatcher of its own.
 *
 * I1: a request is sent over connections of the very credentials that it was given.
 * I2: one dispatcher is kept; one that was replaced ends with the last request that it carries.
 * I3: HTTP/1.1 only: a connection carries one request at a time, and one on which an answer never came is closed by that request's deadline. Many
 *     requests on one connection that hangs would hang together.
 */

import type { KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';

type Options = ReturnType<KubeConfig['createDispatcherOptions']>;

type Connect = NonNullable<Agent.Options['connect']>;

export interface KeptDispatcher {
  /** Makes the client's authentication of `context` end with the kept dispatcher. Call it before that. */
  attach(context: RequestContext): void;
}

/** For one kubeconfig, whose method that names the dispatcher it listens to. */
export function keptDispatcher(config: KubeConfig): KeptDispatcher {
  const name = config.createDispatcherOptions.bind(config);
  let named: Options = { type: 'none' };
  let kept: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;
  config.createDispatcherOptions = (cluster, options) => (named = name(cluster, options));
  const keep = (fresh: Dispatcher): Dispatcher => {
    const key = keyOf(named);
    if (kept?.key === key) return kept.dispatcher;
    void kept?.dispatcher.close().catch(() => undefined);
    kept = { key, dispatcher: named.type === 'agent' ? new Agent({ connect: named.connect as Connect, allowH2: false }) : fresh };
    return kept.dispatcher;
  };
  return {
    attach: (context) => {
      const set = context.setDispatcher.bind(context);
      // The client names the options, makes the dispatcher and sets it without a pause in between, so `named` are those of `fresh`.
      context.setDispatcher = (fresh) => set(keep(fresh));
    },
  };
}

/** All that a connection is made by, secrets too: it is compared, and never shown. */
function keyOf(options: Options): string {
  if (options.type === 'none') return 'none';
  const tls = options.type === 'agent' ? options.connect : options.requestTls;
  const uri = options.type === 'agent' ? '' : options.uri;
  return [options.type, uri, ...Object.entries(tls).map(([field, value]) => `${field}=${String(value)}`)].join('\n');
}
