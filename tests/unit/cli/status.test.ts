/**
 * `outrigger status` for people: which part comes from where, what is left behind, and the ways to a cluster at a site.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataPaths } from '../../../src/cli/data-folder.ts';
import { gatherStatus, renderStatus } from '../../../src/cli/status.ts';
import type { Status, StatusDeps } from '../../../src/cli/status.ts';
import { Fault } from '../../../src/model/fault.ts';

const STATUS: Status = {
  data: '/d',
  api: 'https://127.0.0.1:7443',
  parts: [],
  clusters: [],
  nodes: [],
  hosts: [],
  unreachable: undefined,
};

test('parts without their up: it says to run down', () => {
  const text = renderStatus({
    ...STATUS,
    parts: [
      { part: 'director', state: 'Running', pid: 2 },
      { part: 'up', state: 'Gone', pid: 1 },
    ],
  });
  assert.match(text, /Nobody looks after director: .*"outrigger down --data \/d"/);
  assert.doesNotMatch(renderStatus({ ...STATUS, parts: [{ part: 'up', state: 'Running', pid: 1 }] }), /outrigger down/);
});

test('clusters of another kubeconfig: it is named, and that nothing runs here is left out', () => {
  const text = renderStatus({ ...STATUS, api: undefined, source: '/k/config' });
  assert.equal(text, 'Clusters, by /k/config:\n\nNo clusters.\n');
  assert.match(renderStatus({ ...STATUS, api: undefined, clusters: undefined, unreachable: 'No.' }), /Nothing runs here/);
});

test('a cluster at a site: site, front door, portal, license', () => {
  const ways = {
    cluster: 'demo/harbor',
    site: 'quay: Paired',
    frontDoor: ['https://a:8443'],
    portal: 'https://a:7445',
    license: 'Active: yes.',
  };
  const text = renderStatus({ ...STATUS, ways: [ways] });
  for (const line of [
    '  Site        quay: Paired',
    '  Front door  https://a:8443',
    '  Portal      https://a:7445',
    '  License     Active: yes.',
  ])
    assert.ok(text.includes(`${line}\n`), text);
});

test('a director that lives and answers nobody is not just called running', async () => {
  const states = async (fault: Fault, source?: string): Promise<readonly string[]> => {
    const files = {
      exists: () => true,
      list: () => ['director.json', 'host.json'],
      readText: (path: string) => (path.endsWith('endpoints.json') ? undefined : '{"pid":7,"bootId":"b","startTicks":9}'),
    };
    const deps = {
      files,
      processes: { isAlive: () => true },
      paths: dataPaths('/d'),
      api: { list: () => Promise.reject(fault) },
      source,
      nowMs: 0,
    };
    const { parts } = await gatherStatus(deps as unknown as StatusDeps, new AbortController().signal);
    return parts.map(({ part, state }) => `${part} ${state}`).toSorted();
  };
  const silent = new Fault('DirectorUnreachable', 'No answer.');
  assert.deepEqual(await states(silent), ['director Running, does not answer', 'host Running']);
  assert.deepEqual(await states(silent, '/k/config'), ['director Running', 'host Running'], 'another control plane was asked');
  assert.deepEqual(await states(new Fault('DirectorRefused', 'No.')), ['director Running', 'host Running'], 'that is an answer');
});
