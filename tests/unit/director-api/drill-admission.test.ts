/** Drills at the door: the cluster that one names is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdmissionRequest } from '../../../src/director/admission/admission.ts';
import { drillRule } from '../../../src/director/admission/drills.ts';
import type { EntityStore, StoredEntity } from '../../../src/ports/store.ts';

/** Of the clusters in namespace demo. */
function refusal(clusters: readonly string[], spec: object, more: Partial<AdmissionRequest> = {}): string | undefined {
  const entities = clusters.map((name) => ({ key: { name } }) as StoredEntity);
  const store = {
    get: ({ namespace, name }: { namespace: string; name: string }) =>
      namespace === 'demo' ? entities.find((one) => one.key.name === name) : undefined,
    list: (_group: string, _resource: string, namespace?: string) => (namespace === 'demo' ? entities : []),
  } as unknown as EntityStore;
  const type = { group: 'outrigger.dev', plural: 'drills', kind: 'Drill' };
  const request = { type, operation: 'create', subresource: '', namespace: 'demo', name: 'd', next: { spec }, ...more };
  const refused = drillRule(store)(request as unknown as AdmissionRequest);
  return refused === undefined ? undefined : JSON.stringify(refused);
}

test('a drill of a cluster that is not there is refused, with those that are', () => {
  assert.match(
    refusal(['harbor', 'pier'], { cluster: 'nix' }) ?? '',
    /spec\.cluster: there is no cluster .*nix.* in namespace demo\. There are harbor, pier/,
  );
  assert.match(refusal(['harbor'], { cluster: 'harbor' }, { namespace: 'other' }) ?? '', /in namespace other\. There is none/);
  const many = Array.from({ length: 12 }, (_, index) => `c${index}`);
  assert.match(refusal(many, { cluster: 'nix' }) ?? '', /c9 and 2 more/);
});

test('what names one that is there, or none, passes; so does all that is no creation of a drill', () => {
  assert.equal(refusal(['harbor'], { cluster: 'harbor' }), undefined);
  assert.equal(refusal([], { target: 'Director' }), undefined);
  assert.equal(refusal([], { cluster: 'nix' }, { operation: 'update' }), undefined);
});
