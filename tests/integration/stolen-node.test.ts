/**
 * What a thief can do with the certificate and key of a node of one cluster: at a real director, and at the real nodes of another cluster of the
 * same organization. The strong claims of docs/security.md stand here by name.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CLUSTER_NODES, CLUSTERS, SITES } from '../../src/model/addresses.ts';
import { EVENTS, LEASES, NAMESPACES, SECRETS } from '../../src/model/core-kinds.ts';
import { PORTS } from '../../src/model/ports.ts';
import { certificates } from '../../src/platform/certificate.ts';
import { directors } from '../../src/platform/join.ts';
import { mutualHttp } from '../../src/platform/mutual-http.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Answer } from '../../src/ports/api.ts';
import type { DirectorApi, Identity } from '../../src/ports/director.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { joinAs, makeLicense, makeSite, plugIn, postAs } from '../support/license-rig.ts';
import { must, never, nodeRig } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';

const CANARY = 'canary-in-a-secret-of-the-victim';

let director: TestDirector;
let own: NodeRig;
let victim: NodeRig;
let thief: Identity;
let api: DirectorApi;
/** Texts of which none may be read: uids and secrets of the victim, in both namespaces. */
let forbidden: string[];

before(async () => {
  director = await startDirector();
  [own, victim] = [await nodeRig(director, 0), await nodeRig(director, 1)];
  await must(own.api.create(NAMESPACES, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } }, never));
  const data = { password: Buffer.from(CANARY).toString('base64') };
  for (const namespace of ['demo', 'other'])
    await must(
      own.api.create(SECRETS, namespace, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'servers', namespace }, data }, never),
    );
  const license = await makeLicense(victim, 'gold');
  const site = await makeSite(victim, 'harbor-site', 'gold');
  await victim.patch({ site: 'harbor-site' });
  await plugIn(victim, 'harbor-site');
  thief = await joinAs(own.nodes[0]!);
  api = directors(systemRandom()).open({ directors: [director.url], identity: thief, era: undefined });
  const uids = [...victim.nodes.map(({ uid }) => uid), (await victim.cluster()).metadata.uid, site.metadata.uid, license.metadata.uid];
  forbidden = [...uids, CANARY, data.password];
  await Promise.all(victim.nodes.map((node) => node.start()));
});
after(() => {
  api.close();
  own.cleanup();
  victim.cleanup();
});

async function get(path: string, url = director.url): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await mutualHttp().call(
    {
      method: 'GET',
      url: `${url}${path}`,
      trust: { kind: 'authority', authority: thief.authority, accepts: () => undefined },
      identity: thief,
      deadlineMs: 15_000,
      maxAnswerBytes: 32 * 1024 * 1024,
      trustedNowMs: Date.now(),
    },
    never,
  );
  return { status: answer.status, text: answer.body.toString('utf8') };
}

function holdsNothing(what: string, { status, text }: { readonly status: number; readonly text: string }): void {
  if (status >= 400) return;
  for (const one of forbidden) assert.ok(!text.includes(one), `${what} answered ${status} and shows ${one}`);
}

/** Every resource that this director serves, with its subresources: path below the group and version. */
async function resources(): Promise<{ readonly root: string; readonly name: string; readonly namespaced: boolean }[]> {
  const groups = (await director.call('GET', '/apis')).json() as { groups: { preferredVersion: { groupVersion: string } }[] };
  const roots = ['/api/v1', ...groups.groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
  const found = [];
  for (const root of roots) {
    const list = (await director.call('GET', root)).json() as { resources: { name: string; namespaced: boolean }[] };
    found.push(...list.resources.map(({ name, namespaced }) => ({ root, name, namespaced })));
  }
  return found;
}

test('it reads nothing of another cluster: every list and watch of every kind, in both namespaces and in all of them', async () => {
  const all = (await resources()).filter(({ name }) => !name.includes('/'));
  assert.ok(all.length > 15, `only ${all.length} kinds`);
  let asked = 0;
  let refused = 0;
  for (const { root, name, namespaced } of all) {
    const paths = namespaced ? [`/namespaces/demo/${name}`, `/namespaces/other/${name}`, `/${name}`] : [`/${name}`];
    for (const path of paths) {
      for (const query of [
        '',
        '?watch=true&timeoutSeconds=1',
        '?resourceVersion=0&limit=1',
        `?labelSelector=outrigger.dev%2Fcluster-uid%3D${forbidden[2]!}`,
      ]) {
        const answer = await get(`${root}${path}${query}`);
        holdsNothing(`GET ${root}${path}${query}`, answer);
        asked++;
        if (answer.status === 403) refused++;
      }
    }
  }
  console.log(`measured: ${asked} lists and watches, ${refused} refused with 403`);
  assert.ok(refused > asked / 2);
});

test('it gets nothing of another cluster by name, whole or by a subresource', async () => {
  const names: Readonly<Record<string, readonly string[]>> = {
    clusters: [victim.name],
    clusternodes: victim.nodes.map(({ name }) => name),
    sites: ['harbor-site'],
    universallicenses: ['gold'],
    secrets: ['servers', 'ca', 'service-account-keys', 'license-signing-keys'],
    leases: victim.nodes.flatMap(({ uid }) => [`node-${uid}`, `tunnel-${uid}`]),
    serviceaccounts: ['extension'],
  };
  for (const { root, name: resource } of await resources()) {
    const [kind = '', subresource] = resource.split('/');
    for (const name of names[kind] ?? [])
      for (const namespace of ['demo', 'other', 'outrigger-system']) {
        const path = `${root}/namespaces/${namespace}/${kind}/${name}${subresource === undefined ? '' : `/${subresource === 'proxy' ? 'proxy/portal/' : subresource}`}`;
        const answer = await get(path);
        assert.equal(answer.status, 403, `GET ${path} answered ${answer.status}: ${answer.text.slice(0, 300)}`);
      }
  }
});

test('the one thing that clusters of a VirtualDataCenter see of each other: what is reserved there, by uid and name', async () => {
  const { status, text } = await get('/apis/outrigger.dev/v1/namespaces/demo/virtualdatacenters/main');
  assert.equal(status, 200);
  const { status: said } = JSON.parse(text) as { status?: { reservations?: Record<string, object> } };
  const fields = new Set(Object.values(said?.reservations ?? {}).flatMap((one) => Object.keys(one)));
  assert.ok(fields.size > 0);
  assert.deepEqual(
    [...fields].filter((field) => !['cluster', 'node', 'generation', 'cpuMillis', 'memoryMiB'].includes(field)),
    [],
  );
  assert.ok(!text.includes(CANARY));
});

test('it gets through no tunnel of another cluster: neither portal nor services nor logs', async () => {
  const root = `/apis/outrigger.dev/v1/namespaces/demo`;
  const [node] = victim.nodes as [RigNode];
  for (const path of [
    `/clusters/${victim.name}/proxy/portal/`,
    `/clusters/${victim.name}/proxy/services/hello/`,
    `/clusters/${victim.name}/proxy/services/https:connection-server-proxy/v1/version`,
    `/clusternodes/${node.name}/log?service=hello`,
    `/clusters/${own.name}/proxy/portal/`,
  ]) {
    const { status, text } = await get(`${root}${path}`);
    assert.equal(status, 403, `${path} answered ${status}: ${text.slice(0, 200)}`);
  }
});

test('it writes nothing of another cluster, and makes no token, secret or right', async () => {
  const [node] = victim.nodes as [RigNode];
  const writes: Readonly<Record<string, () => Promise<Answer<unknown>>>> = {
    cluster: () => api.mergePatch(CLUSTERS, 'demo', victim.name, { spec: { workers: 0 } }, never),
    'cluster status': () => api.mergePatch(CLUSTERS, 'demo', victim.name, { status: { term: 99, primary: node.name } }, never, 'status'),
    'own cluster': () => api.mergePatch(CLUSTERS, 'demo', own.name, { spec: { workers: 3 } }, never),
    node: () => api.mergePatch(CLUSTER_NODES, 'demo', node.name, { status: { role: 'Worker' } }, never, 'status'),
    'own incarnation': () => api.mergePatch(CLUSTER_NODES, 'demo', own.nodes[0]!.name, { spec: { incarnation: 9 } }, never),
    site: () => api.mergePatch(SITES, 'demo', 'harbor-site', { status: { cluster: null } }, never, 'status'),
    lease: () => api.mergePatch(LEASES, 'demo', `node-${node.uid}`, { spec: { holderIdentity: 'thief' } }, never),
    deletion: () => api.delete(CLUSTERS, 'demo', victim.name, {}, never),
    token: () =>
      api.create(
        SECRETS,
        'demo',
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'bootstrap-aaaaaaaaaa', namespace: 'demo' },
          type: 'outrigger.dev/bootstrap-token',
        },
        never,
      ),
    event: () =>
      api.create(
        EVENTS,
        'demo',
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: 'e1', namespace: 'demo' },
          involvedObject: { kind: 'ClusterNode', name: node.name, namespace: 'demo', uid: node.uid },
          reason: 'X',
          message: 'm',
          type: 'Normal',
        },
        never,
      ),
  };
  for (const [what, write] of Object.entries(writes)) {
    const answer = await write();
    assert.ok(!answer.ok && answer.reason === 'Forbidden', `${what}: ${JSON.stringify(answer)}`);
  }
});

test('it gets no license of another site', async () => {
  const { metadata } = await must(own.api.get(SITES, 'demo', 'harbor-site', never));
  for (const site of [undefined, metadata.uid]) {
    const { status, body } = await postAs(thief, director.url, '/outrigger/v1/license', { term: 1, site });
    assert.ok(status >= 400, `answered ${status}: ${JSON.stringify(body)}`);
    assert.equal(body['token'], undefined);
  }
});

test('the peer ports of another cluster answer it with a refusal, and their portals with nothing but a log-in', async () => {
  for (const node of victim.nodes) {
    const peer = `https://${node.address}:${PORTS.peer}`;
    const answer = await eventually(`${node.name} serves`, () => get('/peer/v1/logs', peer).catch(() => undefined), 60_000);
    assert.equal(answer.status, 403);
    assert.match(answer.text, /does not belong to this cluster/);
    for (const path of ['/peer/v1/logs?name=hello/main', '/peer/v1/metrics', '/nothing']) assert.equal((await get(path, peer)).status, 403);
    const portal = await eventually(
      'its portal serves',
      () => get('/', `https://${node.address}:${PORTS.portal}`).catch(() => undefined),
      60_000,
    );
    assert.ok(portal.status === 503 || portal.text.includes('Password of this cluster'));
  }
});

test('a revoked certificate is good for nothing at the director, not even for a new one', async () => {
  const [node] = own.nodes as [RigNode];
  assert.equal((await get('/apis/outrigger.dev/v1/clusterreleases')).status, 200);
  const revokedBefore = `${new Date(Date.now() + 1_000).toISOString().slice(0, 19)}Z`;
  await must(own.api.mergePatch(CLUSTER_NODES, 'demo', node.name, { spec: { revokedBefore } }, never));
  const { text } = await eventually('it is refused', async () => {
    const answer = await get('/apis/outrigger.dev/v1/clusterreleases');
    return answer.status === 200 ? undefined : answer;
  });
  assert.match(text, /revoked/);
  const { privateKeyPem } = certificates().newKey();
  const renewal = await postAs(thief, director.url, '/outrigger/v1/renew', { csr: certificates().createRequest(privateKeyPem) });
  assert.ok(renewal.status === 401 || renewal.status === 403, JSON.stringify(renewal));
  assert.equal(renewal.body['certificate'], undefined);
});
