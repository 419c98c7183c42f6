/**
 * RBAC against a naive oracle, and the impossibility to raise one's rights.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Attributes, Identity } from '../../../src/director/auth/identity.ts';
import { askedBy, countRights, ruleAllows, rulesOf, uncovered } from '../../../src/director/auth/policy-rule.ts';
import type { Rbac } from '../../../src/director/auth/rbac.ts';
import { openRbac } from '../../../src/director/auth/rbac.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { no, yes } from './asking.ts';
import { accountIdentity, asks, openWorld, put, remove, testAuthorizer, userIdentity } from './support.ts';

const RBAC = 'rbac.authorization.k8s.io';
const pick = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const some = (...values: string[]): fc.Arbitrary<string[]> => fc.uniqueArray(pick(...values), { minLength: 1, maxLength: 3 });

const VERBS = ['get', 'list', 'patch', '*'];
const GROUPS = ['', 'a.dev', '*'];
const KINDS = ['x', 'y', 'x/status', '*/status', '*'];
const NAMES = ['n1', 'n2'];
const PATHS = ['/api', '/api/*', '/healthz', '*'];
const SPACES = ['p', 'q'];
const PEOPLE = ['ann', 'bob'];
const TEAMS = ['red', 'blue'];

const rule = fc.record(
  {
    verbs: some(...VERBS),
    apiGroups: some(...GROUPS),
    resources: some(...KINDS),
    resourceNames: fc.option(fc.uniqueArray(pick(...NAMES), { maxLength: 2 }), { nil: undefined }),
    nonResourceURLs: fc.option(fc.uniqueArray(pick(...PATHS), { maxLength: 2 }), { nil: undefined }),
  },
  { requiredKeys: ['verbs', 'apiGroups', 'resources'] },
);
const rules = fc.array(rule, { minLength: 1, maxLength: 3 }).map((list) => JSON.parse(JSON.stringify(list)) as JsonObject[]);

const role = fc.record({ namespace: pick('', ...SPACES), name: pick('r1', 'r2'), rules });
const subject = fc.oneof(
  fc.record({ kind: pick('User'), name: pick(...PEOPLE) }),
  fc.record({ kind: pick('Group'), name: pick(...TEAMS, 'system:authenticated') }),
  fc.record({ kind: pick('ServiceAccount'), name: pick('s1'), namespace: pick(...SPACES) }),
  fc.record({ kind: pick('ServiceAccount'), name: pick('s1') }),
);
const binding = fc.record({
  namespace: pick('', ...SPACES),
  name: pick('b1', 'b2', 'b3'),
  roleKind: pick('Role', 'ClusterRole'),
  role: pick('r1', 'r2'),
  subjects: fc.array(subject, { minLength: 1, maxLength: 4 }),
});

const question: fc.Arbitrary<Attributes> = fc.oneof(
  fc.record({
    verb: pick('get', 'list', 'patch', 'delete'),
    group: pick('', 'a.dev', 'b.dev'),
    version: pick('v1'),
    resource: pick('x', 'y', 'z'),
    subresource: pick('', 'status'),
    namespace: pick('', ...SPACES),
    name: pick('', ...NAMES, 'n3'),
  }),
  fc.record({
    verb: pick('get', 'patch'),
    group: pick(''),
    version: pick(''),
    resource: pick(''),
    namespace: pick(''),
    name: pick(''),
    path: pick('/api', '/api/v1', '/healthz', '/metrics'),
  }),
);
const caller: fc.Arbitrary<Identity> = fc.oneof(
  fc.tuple(pick(...PEOPLE), some(...TEAMS)).map(([name, teams]) => userIdentity(name, ...teams)),
  pick(...SPACES).map((namespace) => accountIdentity(namespace, 's1')),
);

type Role = typeof role extends fc.Arbitrary<infer T> ? T : never;
type Binding = typeof binding extends fc.Arbitrary<infer T> ? T : never;

function roleObject({ namespace, name, rules: list }: Role): JsonObject {
  const metadata = namespace === '' ? { name } : { name, namespace };
  return { apiVersion: `${RBAC}/v1`, kind: namespace === '' ? 'ClusterRole' : 'Role', metadata, rules: list };
}

function bindingObject(one: Binding): JsonObject {
  const metadata = one.namespace === '' ? { name: one.name } : { name: one.name, namespace: one.namespace };
  const kind = one.namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding';
  return {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata,
    roleRef: { apiGroup: RBAC, kind: one.roleKind, name: one.role },
    subjects: one.subjects,
  };
}

/** As the documentation of RBAC tells it, from the objects, without an index. */
function naive(roles: readonly Role[], bindings: readonly Binding[], who: Identity, asked: Attributes): boolean {
  return bindings.some((one) => {
    if (one.namespace !== '' && one.namespace !== asked.namespace) return false;
    const isNamed = one.subjects.some((each) => {
      if (each.kind === 'User') return each.name === who.name;
      if (each.kind === 'Group') return who.groups.includes(each.name);
      const namespace = 'namespace' in each ? each.namespace : one.namespace;
      return namespace !== '' && who.name === `system:serviceaccount:${namespace}:${each.name}`;
    });
    if (!isNamed || (one.namespace === '' && one.roleKind === 'Role')) return false;
    const found = roles.find((each) => each.name === one.role && each.namespace === (one.roleKind === 'ClusterRole' ? '' : one.namespace));
    return (found?.rules ?? []).some((each) => naiveRule(each as unknown as Record<string, string[] | undefined>, asked));
  });
}

function naiveRule(each: Record<string, string[] | undefined>, asked: Attributes): boolean {
  const has = (list: string[] | undefined, value: string): boolean => (list ?? []).some((one) => one === '*' || one === value);
  if (!has(each['verbs'], asked.verb)) return false;
  if (asked.path !== undefined) {
    const path = asked.path;
    return (each['nonResourceURLs'] ?? []).some(
      (url) => url === path || (url.endsWith('*') && path.startsWith(url.slice(0, url.length - 1))),
    );
  }
  const wanted = asked.subresource ? [`${asked.resource}/${asked.subresource}`, `*/${asked.subresource}`] : [asked.resource];
  const isResource = (each['resources'] ?? []).some((one) => one === '*' || wanted.includes(one));
  const names = each['resourceNames'] ?? [];
  return has(each['apiGroups'], asked.group) && isResource && (names.length === 0 || names.includes(asked.name));
}

/** How many of the questions are answered with yes; throws where index and oracle differ. */
function compare(
  rbac: Rbac,
  roles: readonly Role[],
  bindings: readonly Binding[],
  who: Identity,
  questions: readonly Attributes[],
): number {
  const answers = questions.map((asked) => {
    const expected = naive(roles, bindings, who, asked);
    assert.equal(rbac.allows(who, asked), expected, JSON.stringify({ who, asked }));
    return expected;
  });
  return answers.filter(Boolean).length;
}

function unique<T extends { namespace: string; name: string }>(list: T[]): T[] {
  return [...new Map(list.map((one) => [`${one.namespace}/${one.name}`, one])).values()];
}

describe('decisions', () => {
  test('I1, I2: agree with the naive oracle, also after roles and bindings changed', async (t) => {
    const world = await openWorld(t);
    const rbac = openRbac(world.store);
    t.after(() => rbac.close());
    let allowed = 0;
    const run = async (roles: Role[], bindings: Binding[], who: Identity[], questions: Attributes[]): Promise<void> => {
      const objects = [...roles.map(roleObject), ...bindings.map(bindingObject)];
      for (const object of objects) await put(world.store, object);
      try {
        for (const each of who) allowed += compare(rbac, roles, bindings, each, questions);
      } finally {
        for (const object of objects) await remove(world.store, object);
      }
    };
    const property = fc.asyncProperty(
      fc.array(role, { minLength: 3, maxLength: 8 }).map(unique),
      fc.array(binding, { minLength: 3, maxLength: 8 }).map(unique),
      fc.array(caller, { minLength: 1, maxLength: 3 }),
      fc.array(question, { minLength: 1, maxLength: 12 }),
      run,
    );
    await fc.assert(property, { numRuns: 300 });
    assert.ok(allowed > 200, `only ${allowed} questions were allowed: the property proves too little`);
  });

  test('I2: a binding that goes takes its rights along at once', async (t) => {
    const world = await openWorld(t);
    const rbac = openRbac(world.store);
    t.after(() => rbac.close());
    const ann = userIdentity('ann');
    const wide = roleObject({ namespace: '', name: 'r1', rules: [{ verbs: ['get'], apiGroups: ['a.dev'], resources: ['x'] }] });
    const bound = bindingObject({
      namespace: 'p',
      name: 'b1',
      roleKind: 'ClusterRole',
      role: 'r1',
      subjects: [{ kind: 'User', name: 'ann' }],
    });
    await put(world.store, bound);
    assert.equal(rbac.allows(ann, asks('get a.dev/x p/n1')), false);
    await put(world.store, wide);
    assert.equal(rbac.allows(ann, asks('get a.dev/x p/n1')), true);
    await put(world.store, { ...wide, rules: [] });
    assert.equal(rbac.allows(ann, asks('get a.dev/x p/n1')), false);
    await put(world.store, wide);
    await remove(world.store, bound);
    assert.equal(rbac.allows(ann, asks('get a.dev/x p/n1')), false);
  });

  test('a list narrowed to one name counts as asking for that name; a Namespace is asked for within itself', async (t) => {
    const world = await openWorld(t);
    const rbac = openRbac(world.store);
    t.after(() => rbac.close());
    const ann = userIdentity('ann');
    await put(
      world.store,
      roleObject({
        namespace: 'p',
        name: 'r1',
        rules: [{ verbs: ['list', 'watch', 'get'], apiGroups: ['a.dev', ''], resources: ['x', 'namespaces'], resourceNames: ['n1', 'p'] }],
      }),
    );
    await put(
      world.store,
      bindingObject({ namespace: 'p', name: 'b1', roleKind: 'Role', role: 'r1', subjects: [{ kind: 'User', name: 'ann' }] }),
    );
    assert.equal(rbac.allows(ann, asks('watch a.dev/x p/', { fieldSelector: 'metadata.name=n1' })), true);
    assert.equal(rbac.allows(ann, asks('watch a.dev/x p/')), false);
    assert.equal(rbac.allows(ann, asks('get /namespaces /p')), true);
    assert.equal(rbac.allows(ann, asks('get /namespaces /q')), false);
  });

  test('a damaged rule allows nothing', () => {
    assert.deepEqual(rulesOf({ rules: [{ verbs: ['get'], apiGroups: ['a'], resources: ['x'], resourceNames: 'n1' }, 7, null] }), []);
    assert.equal(rulesOf({ rules: 'all' }).length, 0);
    assert.equal(
      ruleAllows(rulesOf({ rules: [{ verbs: 'get', apiGroups: ['a'], resources: ['x'] }] })[0]!, askedBy(asks('get a/x p/n'))),
      false,
    );
  });
});

describe('escalation', () => {
  test('what is covered is allowed: whoever holds covering rules could do it himself', () => {
    const property = fc.property(rules, rules, fc.array(question, { minLength: 20, maxLength: 40 }), (wanted, held, questions) => {
      const [want, hold] = [rulesOf({ rules: wanted }), rulesOf({ rules: held })];
      fc.pre(countRights(want) > 0);
      if (uncovered(want, hold) !== undefined) return;
      for (const asked of questions.map(askedBy)) {
        if (want.some((each) => ruleAllows(each, asked)))
          assert.ok(
            hold.some((each) => ruleAllows(each, asked)),
            JSON.stringify(asked),
          );
      }
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test('every rule covers itself', () => {
    fc.assert(fc.property(rules, (list) => assert.equal(uncovered(rulesOf({ rules: list }), rulesOf({ rules: list })), undefined)));
  });

  const member = userIdentity('ann');
  const own = [
    { verbs: ['get', 'list'], apiGroups: ['a.dev'], resources: ['x'] },
    { verbs: ['*'], apiGroups: [RBAC], resources: ['roles', 'rolebindings'] },
  ];
  const roleNamed = (name: string, list: JsonObject[]): JsonObject => roleObject({ namespace: 'p', name, rules: list });
  const write = asks(`create ${RBAC}/roles p/`);
  const bind = asks(`create ${RBAC}/rolebindings p/`);

  test('I1: a role may hold only what its writer holds', async (t) => {
    const world = await openWorld(t);
    const authorizer = testAuthorizer(t, world);
    const rulesNoEscalate = [own[0]!, { ...own[1]!, verbs: ['create', 'update', 'patch', 'get'] }];
    await put(world.store, roleNamed('r1', rulesNoEscalate));
    await put(
      world.store,
      bindingObject({ namespace: 'p', name: 'b1', roleKind: 'Role', role: 'r1', subjects: [{ kind: 'User', name: 'ann' }] }),
    );
    yes(
      authorizer.authorizeWrite(member, write, {
        next: roleNamed('r2', [{ verbs: ['list'], apiGroups: ['a.dev'], resources: ['x'], resourceNames: ['n1'] }]),
      }),
    );
    const wider = roleNamed('r2', [{ verbs: ['list', 'delete'], apiGroups: ['a.dev'], resources: ['x'] }]);
    no(authorizer.authorizeWrite(member, write, { next: wider }), /you would give a right that you do not hold: delete x.a.dev/);
    no(
      authorizer.authorizeWrite(
        member,
        { ...write, verb: 'patch', name: 'r1' },
        { old: roleNamed('r1', rulesNoEscalate), next: roleNamed('r1', [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]) },
      ),
      /do not hold/,
    );
    no(authorizer.authorizeWrite(member, asks(`create ${RBAC}/roles q/`), { next: { ...wider, rules: [] } }), /no role that is bound/);
    yes(
      authorizer.authorizeWrite(
        member,
        { ...write, verb: 'patch', name: 'r9' },
        { old: wider, next: { ...wider, metadata: { name: 'r2', namespace: 'p', labels: { a: 'b' } } } },
      ),
    );
    const huge = roleNamed('r2', [
      {
        verbs: Array.from({ length: 200 }, (_, at) => `v${at}`),
        apiGroups: ['a.dev'],
        resources: Array.from({ length: 200 }, (_, at) => `r${at}`),
      },
    ]);
    no(authorizer.authorizeWrite(member, write, { next: huge }), /too many to be compared with your rights: split it/);
  });

  test('I1: a role may be bound only by who holds it; escalate and bind lift both', async (t) => {
    const world = await openWorld(t);
    const authorizer = testAuthorizer(t, world);
    const plain = [own[0]!, { verbs: ['create', 'update', 'get'], apiGroups: [RBAC], resources: ['roles', 'rolebindings'] }];
    await put(world.store, roleNamed('r1', plain));
    await put(
      world.store,
      bindingObject({ namespace: 'p', name: 'b1', roleKind: 'Role', role: 'r1', subjects: [{ kind: 'User', name: 'ann' }] }),
    );
    await put(world.store, roleObject({ namespace: '', name: 'wide', rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] }));
    await put(world.store, roleObject({ namespace: '', name: 'small', rules: [own[0]!] }));
    const bound = (name: string): JsonObject =>
      bindingObject({ namespace: 'p', name: 'b2', roleKind: 'ClusterRole', role: name, subjects: [{ kind: 'User', name: 'bob' }] });
    yes(authorizer.authorizeWrite(member, bind, { next: bound('small') }));
    no(authorizer.authorizeWrite(member, bind, { next: bound('wide') }), /you would give a right that you do not hold: \* \*/);
    no(authorizer.authorizeWrite(member, bind, { next: bound('absent') }), /"absent" is not there/);
    no(
      authorizer.authorizeWrite(member, bind, { next: { ...bound('small'), roleRef: { kind: 'Thing', name: 'x' } } }),
      /roleRef must name/,
    );
    await put(
      world.store,
      roleNamed('r1', [
        ...plain,
        { verbs: ['bind'], apiGroups: [RBAC], resources: ['clusterroles'], resourceNames: ['wide'] },
        { verbs: ['escalate'], apiGroups: [RBAC], resources: ['roles'] },
      ]),
    );
    yes(authorizer.authorizeWrite(member, bind, { next: bound('wide') }));
    yes(authorizer.authorizeWrite(member, write, { next: roleNamed('r3', [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]) }));
  });
});
