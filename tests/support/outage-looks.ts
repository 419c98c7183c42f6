/**
 * What tests of outages look at: which process is a service's main one, the license as a node has it on its disk, the front door, and what the center
 * reaches through a tunnel.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { licenseNowMs } from '../../src/decide/license-clock.ts';
import { viewLicense } from '../../src/decide/universal-license.ts';
import type { LicenseView } from '../../src/decide/universal-license.ts';
import { CLUSTER_NODES } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { FrameworkConfig } from '../../src/model/framework.ts';
import { PORTS } from '../../src/model/ports.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { bootId } from '../../src/platform/process-id.ts';
import { NAMESPACE } from './control-plane.ts';
import type { ControlPlane, Living } from './control-plane.ts';
import { eventually } from './eventually.ts';
import type { Member } from './outage-rig.ts';

const clock = systemClock();

export function isAnotherMain(plane: ControlPlane, member: Member, service: string, before: Living): boolean {
  return plane
    .of('pod', member.uid)
    .some((one) => one.service === service && one.pid !== one.sessionId && one.startTicks > before.startTicks);
}

export async function nodesOfHarbor(plane: ControlPlane): Promise<readonly ClusterNode[]> {
  return (await plane.list(CLUSTER_NODES)).filter((one) => one.spec.cluster === 'harbor');
}

export async function incarnations(plane: ControlPlane): Promise<readonly string[]> {
  return (await nodesOfHarbor(plane)).map((one) => `${one.metadata.uid} ${one.spec.incarnation} ${one.spec.host}`).toSorted();
}

/** As the node has it on its disk; no director is asked. */
function recordAt(member: Member): FrameworkConfig['license'] {
  try {
    return (JSON.parse(readFileSync(join(member.dir, 'framework.json'), 'utf8')) as { body: FrameworkConfig }).body.license;
  } catch {
    return undefined;
  }
}

export function licenseAt(member: Member): LicenseView | undefined {
  const record = recordAt(member);
  return record === undefined ? undefined : viewLicense(record, licenseNowMs(record, { bootId: bootId(), bootMs: clock.monotonicMs() }));
}

export function serialAt(member: Member): number {
  return recordAt(member)?.statement.serial ?? 0;
}

/** Begins a session at a node's front door. */
export function frontDoor(member: Member): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((done) => {
    const headers = { 'content-type': 'application/json' };
    const place = { host: member.address, port: PORTS.connectionServerProxy, method: 'POST', path: '/v1/sessions' };
    const sent = request({ ...place, headers, agent: new Agent({ keepAlive: false }), rejectUnauthorized: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => done({ status: answer.statusCode ?? 0, text }));
      answer.on('error', (cause) => done({ status: 0, text: cause.message }));
    });
    sent.on('error', (cause) => done({ status: 0, text: cause.message }));
    sent.setTimeout(10_000, () => sent.destroy(new Error('nothing within 10 s')));
    sent.end(JSON.stringify({ user: 'ann' }));
  });
}

/** A service, a log and the portal's refusal, from the center, through the tunnel of the worker: the only one there is. */
export async function administered(plane: ControlPlane, worker: Member): Promise<void> {
  const base = `/apis/outrigger.dev/v1/namespaces/${NAMESPACE}`;
  const raw = async (what: string, path: string, holds: (out: string) => boolean): Promise<void> => {
    let last = '';
    const isThere = async (): Promise<boolean> => {
      const { code, out, err } = await plane.kubectl('get', '--raw', `${base}/${path}`);
      last = `${out}${err}`;
      return code === 0 && holds(out);
    };
    await eventually(what, isThere, 30_000, 100).catch((cause: unknown) => {
      throw new Error(`${String(cause)}; last: ${last}`);
    });
  };
  await raw('hello is reached from the center', 'clusters/harbor/proxy/services/hello/', (out) => out.includes(`"node":"${worker.name}"`));
  await raw('a log is read from the center', `clusternodes/${worker.name}/log?service=hello&tailLines=5`, (out) => out.includes('hello'));
  const portal = await plane.kubectl('get', '--raw', `${base}/clusters/harbor/proxy/portal/`);
  assert.notEqual(portal.code, 0, 'the portal is not served by the worker');
  assert.match(portal.err, /harbor-a1-n0|ServiceUnavailable|unable to handle/, portal.err);
}
