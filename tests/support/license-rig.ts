/**
 * A site with a license at a real director: what a test of licenses needs besides a cluster (tests/support/node-rig.ts). Nodes join here without an agent.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SITES, UNIVERSAL_LICENSES } from '../../src/model/addresses.ts';
import type { Site } from '../../src/model/site.ts';
import type { UniversalLicense } from '../../src/model/universal-license.ts';
import { certificates } from '../../src/platform/certificate.ts';
import { directors } from '../../src/platform/join.ts';
import { mutualHttp } from '../../src/platform/mutual-http.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Identity } from '../../src/ports/director.ts';
import { must, never } from './node-rig.ts';
import type { NodeRig, RigNode } from './node-rig.ts';

export const DAY_MS = 86_400_000;
const NAMESPACE = 'demo';

/** RFC 3339, `days` from now. */
export function inDays(days: number): string {
  return `${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 19)}Z`;
}

export async function makeLicense(rig: NodeRig, name: string, spec: object = {}): Promise<UniversalLicense> {
  const object = {
    apiVersion: 'outrigger.dev/v1',
    kind: 'UniversalLicense',
    metadata: { name, namespace: NAMESPACE },
    spec: { seats: 10, start: inDays(-1), end: inDays(300), ...spec },
  };
  return await must(rig.api.create<UniversalLicense>(UNIVERSAL_LICENSES, NAMESPACE, object, never));
}

export async function makeSite(rig: NodeRig, name: string, license: string | undefined): Promise<Site> {
  const object = {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Site',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      environment: 'OnPremises',
      connectionServers: [{ name: 'one', url: 'https://127.0.0.1:1' }],
      ...(license === undefined ? {} : { license }),
    },
  };
  return await must(rig.api.create<Site>(SITES, NAMESPACE, object, never));
}

/** As pairing leaves it. */
export async function plugIn(rig: NodeRig, site: string): Promise<Site> {
  const { metadata } = await rig.cluster();
  const cluster = { name: metadata.name, uid: metadata.uid };
  const read = await must(rig.api.get<Site>(SITES, NAMESPACE, site, never));
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const pairing = { state: 'Paired', clusterUid: metadata.uid, generation: read.metadata.generation ?? 1, checkedAt: now, pairedAt: now };
  return await must(rig.api.mergePatch<Site>(SITES, NAMESPACE, site, { status: { cluster, pairing } }, never, 'status'));
}

/** Joins as the agent of that node would, by the token in its folder. */
export async function joinAs(node: RigNode): Promise<Identity> {
  const file = JSON.parse(readFileSync(join(node.dir, 'node.json'), 'utf8')) as { token: string; caHash: string; directors: string[] };
  const { privateKeyPem } = certificates().newKey();
  const request = certificates().createRequest(privateKeyPem);
  const issued = await directors(systemRandom()).join({ ...file, request }, never);
  return { certificate: issued.certificate, authority: issued.authority, privateKey: privateKeyPem };
}

export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** POST to a director, by a node's certificate (or by none). */
export async function postAs(identity: Identity, url: string, path: string, body: unknown, anonymous = false): Promise<Answered> {
  const answer = await mutualHttp().call(
    {
      method: 'POST',
      url: `${url}${path}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      trust: { kind: 'authority', authority: identity.authority, accepts: () => undefined },
      ...(anonymous ? {} : { identity }),
      deadlineMs: 20_000,
      maxAnswerBytes: 1_000_000,
      trustedNowMs: Date.now(),
    },
    never,
  );
  return { status: answer.status, body: JSON.parse(answer.body.toString('utf8')) as Record<string, unknown> };
}
