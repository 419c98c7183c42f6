/**
 * The network test: whether this node reaches what it needs, step by step, a line each, so that a person sees which firewall or name is to blame.
 *
 * I1: every step has a deadline, and only so many ends are tried at a time.
 * I2: nothing secret is sent: to a connection server nothing at all, to directors and nodes what everybody may ask.
 * I3: after a step that failed the later ones of that end are not tried.
 */

import { memberOfSubject } from '../../decide/peer-trust.ts';
import { placeOf } from '../../decide/pairing.ts';
import { isFault } from '../../model/fault.ts';
import type { FrameworkConfig, FrameworkMember } from '../../model/framework.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Identity } from '../../ports/director.ts';
import type { MutualHttp, ShownCertificate, Trust } from '../../ports/mutual-http.ts';
import type { PortalSources } from './facts.ts';

export interface NetworkLine {
  readonly target: string;
  readonly check: 'Name' | 'Port' | 'TLS' | 'Identity';
  readonly result: 'Passed' | 'Failed';
  readonly message: string;
  readonly ms: number;
}

interface Target {
  readonly name: string;
  readonly url: string;
  /** Throws `Fault` when the other end is not who it should be; returns a sentence. */
  readonly judge: (shown: ShownCertificate, signal: AbortSignal) => Promise<string>;
}

type Say = (check: NetworkLine['check'], work: () => Promise<string>) => Promise<boolean>;

export async function testNetwork(sources: PortalSources, signal: AbortSignal): Promise<readonly NetworkLine[]> {
  const identity = await sources.deps.identity.load().catch(() => undefined);
  const queue = [...targetsOf(sources, identity).entries()];
  const lines = new Map<number, readonly NetworkLine[]>();
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && !signal.aborted; next = queue.shift())
      lines.set(next[0], await testTarget(sources, next[1], signal));
  };
  await Promise.all(Array.from({ length: LIMITS.networkTargetsUnderWay }, worker));
  return [...lines].toSorted(([a], [b]) => a - b).flatMap(([, some]) => some);
}

async function testTarget({ deps }: PortalSources, target: Target, signal: AbortSignal): Promise<readonly NetworkLine[]> {
  const lines: NetworkLine[] = [];
  const place = placeOf(target.url);
  const say: Say = async (check, work) => {
    const startedMs = deps.clock.monotonicMs();
    const [result, message] = await work().then(
      (text) => ['Passed', text] as const,
      (cause: unknown) => ['Failed', messageOf(cause)] as const,
    );
    lines.push({ target: target.name, check, result, message, ms: Math.round(deps.clock.monotonicMs() - startedMs) });
    return result === 'Passed';
  };
  if (place === undefined) {
    await say('Name', () => Promise.resolve(`${target.url} is no address; correct it.`));
    return lines.map((line) => ({ ...line, result: 'Failed' as const }));
  }
  await walk(deps.http, target, place, say, signal);
  return lines;
}

async function walk(
  http: MutualHttp,
  target: Target,
  { host, port }: { host: string; port: number },
  say: Say,
  signal: AbortSignal,
): Promise<void> {
  const stepMs = LIMITS.networkStepMs;
  let shown: ShownCertificate | undefined;
  const steps: readonly (readonly [NetworkLine['check'], () => Promise<string>])[] = [
    ['Name', async () => `${host} is ${(await http.resolve(host, stepMs, signal)).slice(0, 4).join(', ')}`],
    ['Port', () => http.reach(host, port, stepMs, signal).then(() => `${host}:${port} answers`)],
    [
      'TLS',
      async () => {
        shown = await http.look(host, port, stepMs, signal);
        return `it shows ${shown.thumbprint}, which ends on ${new Date(shown.facts.notAfterMs).toISOString().slice(0, 10)}`;
      },
    ],
    ['Identity', () => (shown === undefined ? Promise.resolve('') : target.judge(shown, signal))],
  ];
  for (const [check, work] of steps) if (!(await say(check, work))) return;
}

function targetsOf(sources: PortalSources, identity: Identity | undefined): readonly Target[] {
  const { deps, framework } = sources;
  const config = framework.told();
  return [
    ...deps.node.directors.map((url) => directorTarget(sources, identity, url)),
    ...(config?.site?.servers ?? []).map(({ name, url, pin }) => serverTarget(name, url, pin)),
    ...(config?.members ?? [])
      .filter(({ uid }) => uid !== deps.node.nodeUid)
      .map((member) => nodeTarget(sources, identity, config, member)),
  ];
}

function directorTarget(sources: PortalSources, identity: Identity | undefined, url: string): Target {
  const accepts: Extract<Trust, { kind: 'authority' }>['accepts'] = (facts) =>
    facts.serverAuth && facts.organizations.length === 0 ? undefined : `${url} showed a certificate that is none of a director.`;
  return {
    name: `director ${url}`,
    url,
    judge: async (_, signal) => {
      const status = await ask(sources, identity, `${url}/readyz`, accepts, signal);
      return `it is a director of this control plane, and ${status === 200 ? 'ready' : `not ready (${status})`}`;
    },
  };
}

function serverTarget(name: string, url: string, pin: string): Target {
  return {
    name: `connection server ${name}`,
    url,
    judge: ({ thumbprint }) =>
      thumbprint === pin
        ? Promise.resolve('it shows the certificate that was accepted')
        : Promise.reject(
            new Error(
              `it shows ${thumbprint}, and ${pin} was accepted: compare, then accept the new one (outrigger site pair), or see who answers there`,
            ),
          ),
  };
}

function nodeTarget(
  sources: PortalSources,
  identity: Identity | undefined,
  config: FrameworkConfig | undefined,
  member: FrameworkMember,
): Target {
  const host = member.address.includes(':') ? `[${member.address}]` : member.address;
  const url = `https://${host}:${config?.peerPort ?? 0}`;
  return {
    name: `node ${member.name}`,
    url,
    judge: async (_, signal) => {
      await ask(sources, identity, `${url}/peer/v1/logs`, (facts) => refusalOf(memberOfSubject(facts, [member])), signal);
      return `it is ${member.name} in its incarnation ${member.incarnation}`;
    },
  };
}

function refusalOf(judged: ReturnType<typeof memberOfSubject>): string | undefined {
  return 'refused' in judged ? judged.refused : undefined;
}

async function ask(
  { deps, trustedNow }: PortalSources,
  identity: Identity | undefined,
  url: string,
  accepts: Extract<Trust, { kind: 'authority' }>['accepts'],
  signal: AbortSignal,
): Promise<number> {
  if (identity === undefined) throw new Error('this node has not joined yet, so it cannot tell who answers there');
  const trust: Trust = { kind: 'authority', authority: identity.authority, accepts };
  const bounds = { deadlineMs: LIMITS.networkStepMs, maxAnswerBytes: LIMITS.portalLogBytes, trustedNowMs: trustedNow() };
  return (await deps.http.call({ method: 'GET', url, trust, identity, ...bounds }, signal)).status;
}

function messageOf(cause: unknown): string {
  if (isFault(cause) || cause instanceof Error) return cause.message;
  return 'it failed';
}
