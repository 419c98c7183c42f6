/**
 * Which node of this machine carries a cluster's portal.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataPaths } from '../../../src/cli/data-folder.ts';
import { findPortalNode } from '../../../src/cli/portal-node.ts';
import type { NodeFolder } from '../../../src/cli/portal-node.ts';

const PATHS = dataPaths('/d');
const ANY = { namespace: undefined, cluster: undefined };

function find(nodes: Readonly<Record<string, Omit<NodeFolder, 'folder'> | undefined>>, wanted: Parameters<typeof findPortalNode>[2] = ANY) {
  const files = { exists: () => true, list: () => Object.keys(nodes) };
  return findPortalNode(files, PATHS, wanted, (folder) => {
    const node = nodes[folder.slice(`${PATHS.nodesFolder}/`.length)];
    return Promise.resolve(node === undefined ? undefined : { ...node, folder });
  });
}

const harbor = (node: string, primaryTerm?: number) => ({ namespace: 'demo', cluster: 'harbor', node, primaryTerm });

test('the primary is found among workers, and the newest where an older one left its folder', async () => {
  const taken = await find({ a: harbor('n0', 1), b: harbor('n1'), c: harbor('n2', 3), d: undefined });
  assert.deepEqual([taken.node, taken.folder], ['n2', '/d/host/nodes/c']);
});

test('I1: with several clusters the person says which, by name and namespace', async () => {
  const nodes = { a: harbor('n0', 1), b: { ...harbor('m0', 1), namespace: 'prod' }, c: { ...harbor('x0', 1), cluster: 'quay' } };
  await assert.rejects(
    find(nodes),
    /Portals of demo\/harbor, demo\/quay, prod\/harbor .*say which: outrigger portal password harbor -n demo --data \/d/,
  );
  assert.equal((await find(nodes, { namespace: 'prod', cluster: 'harbor' })).node, 'm0');
  assert.equal((await find(nodes, { namespace: undefined, cluster: 'quay' })).node, 'x0');
});

test('a worker alone, another cluster, and an empty folder each get their sentence', async () => {
  await assert.rejects(find({ a: harbor('n1') }), /The primary of demo\/harbor is not on this machine/);
  await assert.rejects(
    find({ a: harbor('n0', 1) }, { namespace: 'demo', cluster: 'no' }),
    /No node of the cluster demo\/no .*There are nodes of demo\/harbor/,
  );
  await assert.rejects(find({}), /There is no node at all; name another data folder/);
});
