/**
 * The index over an informer: what is put, moved and dropped.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexBy } from '../../../src/client/index-by.ts';
import type { ChangeListener, Informer } from '../../../src/client/informer.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import { cluster } from '../decide/fixtures.ts';

function at(uid: string, release: string): Cluster {
  const base = cluster();
  return { ...base, metadata: { ...base.metadata, uid }, spec: { ...base.spec, release } };
}

test('I1: an index follows what is put, moved and dropped, also when a name comes back with another uid', () => {
  let tell: ChangeListener<Cluster> = () => assert.fail('nobody listens');
  const informer = { onChange: (listener: typeof tell) => (tell = listener) } as unknown as Informer<Cluster>;
  const index = indexBy(informer, ({ spec }) => (spec.release === 'none' ? undefined : spec.release));
  const uids = (key: string): string[] => index.of(key).map(({ metadata }) => metadata.uid);

  tell(at('a', '1'), false);
  tell(at('b', '1'), false);
  assert.deepEqual(uids('1'), ['a', 'b']);
  assert.deepEqual(uids('2'), []);

  tell(at('a', '2'), false);
  assert.deepEqual([uids('1'), uids('2')], [['b'], ['a']]);

  tell(at('a', 'none'), false);
  assert.deepEqual([uids('1'), uids('2'), uids('none')], [['b'], [], []]);

  // As the informer tells of a name that has another uid: first that the old one is gone.
  tell(at('b', '1'), true);
  tell(at('c', '1'), false);
  assert.deepEqual(uids('1'), ['c']);
});
