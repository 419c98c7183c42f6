/**
 * Log lines of this node, and through the link between nodes those of the others.
 *
 * I1: only files below the node's own log folder are read, and only members of the cluster are answered (src/agent/peer-link.ts).
 * I2: a node that does not answer is a sentence.
 */

import { memberOfSubject } from '../../decide/peer-trust.ts';
import { isFault } from '../../model/fault.ts';
import type { FrameworkMember } from '../../model/framework.ts';
import { LIMITS } from '../../model/limits.ts';
import type { AgentDeps } from '../deps.ts';
import type { PeerAnswer, PeerCall } from '../peer-link.ts';
import type { PortalSources } from './facts.ts';

const PATH = '/peer/v1/logs';
const MAX_LIST_BYTES = 64 * 1024;

export type LogText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };
export type LogList = { readonly ok: true; readonly names: readonly string[] } | { readonly ok: false; readonly why: string };

/** What other nodes of the cluster may ask for. */
export function serveLogs(deps: Pick<AgentDeps, 'dir' | 'logFiles'>): (call: PeerCall) => PeerAnswer {
  return ({ query }) => {
    const name = query.get('name');
    const folder = folderOf(deps);
    if (name === null) return { status: 200, body: JSON.stringify({ names: deps.logFiles.list(folder) }) };
    const text = deps.logFiles.tail(folder, name, linesOf(query.get('lines')), LIMITS.portalLogBytes);
    if (text === undefined) return { status: 404, body: JSON.stringify({ message: `There is no log ${name} on this node.` }) };
    return { status: 200, contentType: 'text/plain; charset=utf-8', body: text };
  };
}

export function linesOf(text: string | null): number {
  const lines = Number(text ?? 200);
  return Number.isInteger(lines) && lines > 0 ? Math.min(lines, LIMITS.portalLogLines) : 200;
}

/** The node with this name; '' or its own: this node. */
export async function listLogs(sources: PortalSources, node: string, signal: AbortSignal): Promise<LogList> {
  const { deps } = sources;
  if (isSelf(deps, node)) return { ok: true, names: deps.logFiles.list(folderOf(deps)) };
  const answer = await askNode(sources, node, '', MAX_LIST_BYTES, signal);
  if (!answer.ok) return answer;
  const names = namesIn(answer.text);
  return names === undefined ? { ok: false, why: `${node} answered with something that is no list of logs.` } : { ok: true, names };
}

export async function readLog(sources: PortalSources, node: string, name: string, lines: number, signal: AbortSignal): Promise<LogText> {
  const { deps } = sources;
  if (!isSelf(deps, node)) {
    const query = new URLSearchParams({ name, lines: String(lines) });
    return await askNode(sources, node, `?${query.toString()}`, LIMITS.portalLogBytes, signal);
  }
  const text = deps.logFiles.tail(folderOf(deps), name, lines, LIMITS.portalLogBytes);
  return text === undefined ? { ok: false, why: `There is no log ${name} on ${deps.node.node}.` } : { ok: true, text };
}

function folderOf({ dir }: Pick<AgentDeps, 'dir'>): string {
  return `${dir}/logs`;
}

function isSelf({ node }: AgentDeps, name: string): boolean {
  return name === '' || name === node.node;
}

function namesIn(text: string): readonly string[] | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const names: unknown = typeof body === 'object' && body !== null ? (body as { readonly names?: unknown }).names : undefined;
    return Array.isArray(names) ? names.filter((one): one is string => typeof one === 'string').slice(0, LIMITS.logFilesListed) : undefined;
  } catch {
    return undefined;
  }
}

async function askNode(sources: PortalSources, node: string, query: string, maxAnswerBytes: number, signal: AbortSignal): Promise<LogText> {
  const { deps, framework, trustedNow } = sources;
  const member = framework.told()?.members.find(({ name }) => name === node);
  const port = framework.told()?.peerPort;
  const identity = await deps.identity.load().catch(() => undefined);
  if (member === undefined || port === undefined) return { ok: false, why: `This cluster has no node ${node}.` };
  if (identity === undefined) return { ok: false, why: 'This node has not joined yet, so it cannot ask another one.' };
  try {
    const answer = await deps.http.call(
      {
        method: 'GET',
        url: `https://${hostOf(member)}:${port}${PATH}${query}`,
        trust: {
          kind: 'authority',
          authority: identity.authority,
          endedForMs: LIMITS.renewalAcceptedMs,
          accepts: (facts) => {
            const judged = memberOfSubject(facts, [member]);
            return 'refused' in judged ? judged.refused : undefined;
          },
        },
        identity,
        deadlineMs: LIMITS.networkStepMs,
        maxAnswerBytes: maxAnswerBytes + 1024,
        trustedNowMs: trustedNow(),
      },
      signal,
    );
    const text = answer.body.toString('utf8');
    return answer.status === 200 ? { ok: true, text } : { ok: false, why: `${node} answered ${answer.status}: ${text.slice(0, 300)}` };
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    return { ok: false, why: cause.message };
  }
}

function hostOf({ address }: FrameworkMember): string {
  return address.includes(':') ? `[${address}]` : address;
}
