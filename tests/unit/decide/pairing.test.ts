/**
 * Pairing: which look comes next, and what each line says.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { nextLook, pairingLines, placeOf, PROBED, shownThumbprints } from '../../../src/decide/pairing.ts';
import type { AnswerFacts, Look, PairingContext, Probed, ServerFacts, Tried } from '../../../src/decide/pairing.ts';
import type { ConnectionServer, PairingCheck } from '../../../src/model/site.ts';
import { PAIRING_CHECKS } from '../../../src/model/site.ts';

const NOW = Date.parse('2030-06-01T00:00:00Z');
const PIN = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha256:${'b'.repeat(64)}`;
const CONTEXT: PairingContext = { trustedNowMs: NOW, site: 'pier', namespace: 'demo', credentials: { ok: true, value: 'Given' } };

const server = (name = 'cs-1', pin: string | undefined = PIN): ConnectionServer => ({
  name,
  url: `https://${name}.example:9443`,
  ...(pin === undefined ? {} : { pin }),
});
const unpinned: ConnectionServer = { name: 'cs-1', url: 'https://cs-1.example:9443' };
const answered = (status: number, body: AnswerFacts['body']): Tried<AnswerFacts> => ({ ok: true, value: { status, body } });
const no = <T>(message: string): Tried<T> => ({ ok: false, message });

const WELL: Readonly<Record<Probed, Tried<AnswerFacts>>> = {
  version: answered(200, { product: 'outrigger-connection-server', instance: 'i1', version: '0.1.0', api: ['v1'] }),
  health: answered(200, { status: 'Ok' }),
  capacity: answered(200, { capacity: 100 }),
  license: answered(404, { code: 'NotFound' }),
};
const shown = (thumbprint = PIN, notAfterMs = NOW + 86_400_000): NonNullable<ServerFacts['shown']> => ({
  ok: true,
  value: { thumbprint, selfSigned: true, notAfterMs },
});
const FACTS: ServerFacts = {
  addresses: { ok: true, value: ['10.0.0.5'] },
  reached: { ok: true, value: true },
  shown: shown(),
  answers: WELL,
};

function lines(facts: ServerFacts, of = server(), context = CONTEXT): PairingCheck[] {
  return pairingLines([of], new Map([[of.name, facts]]), context);
}

/** The first line that is not Passed, as `Check Result: message`. */
function trouble(facts: ServerFacts, of = server(), context = CONTEXT): string {
  const line = lines(facts, of, context).find((one) => one.result !== 'Passed');
  return line === undefined ? '' : `${line.check} ${line.result}: ${line.message}`;
}

const withAnswer = (what: Probed, answer: Tried<AnswerFacts>): ServerFacts => ({ ...FACTS, answers: { ...WELL, [what]: answer } });

describe('the next look', () => {
  it('goes through all, one after the other, and ends', () => {
    let facts: ServerFacts = {};
    const looks: Look[] = [];
    for (let look = nextLook(server(), facts, CONTEXT); look !== undefined; look = nextLook(server(), facts, CONTEXT)) {
      looks.push(look);
      assert.ok(looks.length < 20);
      if (look === 'Name') facts = { ...facts, addresses: FACTS.addresses! };
      else if (look === 'Port') facts = { ...facts, reached: FACTS.reached! };
      else if (look === 'Certificate') facts = { ...facts, shown: FACTS.shown! };
      else facts = { ...facts, answers: { ...facts.answers, [look]: WELL[look] } };
    }
    assert.deepEqual(looks, ['Name', 'Port', 'Certificate', ...PROBED]);
    assert.equal(trouble(facts), '');
  });

  it('I1: a request is asked for only of the pinned certificate that has not ended, with credentials that could be read', () => {
    const worlds = fc.record({
      pin: fc.constantFrom(undefined, PIN, OTHER),
      shown: fc.option(fc.record({ thumbprint: fc.constantFrom(PIN, OTHER), endsInMs: fc.constantFrom(-1, 0, 1, 1000) }), {
        nil: undefined,
      }),
      shownFails: fc.boolean(),
      named: fc.boolean(),
      reached: fc.constantFrom(undefined, true, false),
      credentials: fc.boolean(),
      answers: fc.subarray([...PROBED]),
      untrusted: fc.boolean(),
    });
    fc.assert(
      fc.property(worlds, (world) => {
        const of: ConnectionServer = { name: 'cs', url: 'https://cs:9443', ...(world.pin === undefined ? {} : { pin: world.pin }) };
        const facts: ServerFacts = {
          ...(world.named ? { addresses: { ok: true, value: ['10.0.0.1'] } } : {}),
          ...(world.reached === undefined ? {} : { reached: world.reached ? { ok: true, value: true } : no('x') }),
          ...(world.shown === undefined
            ? {}
            : { shown: world.shownFails ? no('x') : shown(world.shown.thumbprint, NOW + world.shown.endsInMs) }),
          answers: Object.fromEntries(
            world.answers.map((one) => [one, world.untrusted ? { ok: false, message: 'x', untrusted: true } : WELL[one]]),
          ),
        };
        const context: PairingContext = { ...CONTEXT, credentials: world.credentials ? CONTEXT.credentials : no('There is no Secret.') };
        const look = nextLook(of, facts, context);
        if (look === undefined || look === 'Name' || look === 'Port' || look === 'Certificate') return;
        assert.ok(world.pin !== undefined && facts.shown?.ok === true && facts.shown.value.thumbprint === world.pin);
        assert.ok(facts.shown.value.notAfterMs >= NOW && world.credentials && world.reached === true);
        assert.ok(!(world.untrusted && world.answers.length > 0));
      }),
      { numRuns: 2000 },
    );
  });

  it('I2: after a line that is not Passed nothing more is looked at, and the rest is Skipped with the reason', () => {
    const cases: readonly ServerFacts[] = [
      { addresses: no('The name does not resolve.') },
      { addresses: FACTS.addresses!, reached: no('nothing listens') },
      { ...FACTS, answers: {}, shown: shown(OTHER) },
      withAnswer('version', answered(401, {})),
      withAnswer('version', answered(200, { version: '2.0.0', api: ['v2'] })),
      withAnswer('capacity', answered(200, { capacity: 0 })),
    ];
    for (const [at, facts] of cases.entries()) {
      assert.equal(nextLook(server(), facts, CONTEXT), undefined, `case ${at}`);
      const said = lines(facts);
      assert.deepEqual(
        said.map((line) => line.result),
        PAIRING_CHECKS.map((_, i) => (i < at ? 'Passed' : i === at ? 'Failed' : 'Skipped')),
      );
      for (const line of said.slice(at + 1))
        assert.match(line.message, new RegExp(`because of ${PAIRING_CHECKS[at]}; put that right first`));
    }
  });
});

describe('lines', () => {
  it('I3: a thumbprint that nobody has accepted waits for a person, with the command', () => {
    const facts = { addresses: FACTS.addresses!, reached: FACTS.reached!, shown: FACTS.shown! };
    assert.match(
      trouble(facts, unpinned),
      /^Thumbprint Waiting: cs-1 shows the certificate sha256:a{64}, which it signed itself.*outrigger site pair pier -n demo --accept sha256:a{64}/,
    );
    assert.deepEqual(
      shownThumbprints(
        new Map<string, ServerFacts>([
          ['cs-1', facts],
          ['cs-2', {}],
        ]),
      ),
      { 'cs-1': PIN },
    );
  });

  it('I3: each failure says what to do', () => {
    const says: readonly (readonly [ServerFacts, RegExp, PairingContext?])[] = [
      [
        { ...FACTS, shown: shown(OTHER), answers: {} },
        /^Thumbprint Failed: .*sha256:b{64}, and sha256:a{64} is pinned: .*Nothing was sent; if it was replaced, compare/,
      ],
      [{ ...FACTS, shown: shown(PIN, NOW - 1), answers: {} }, /^Thumbprint Failed: .*ended on 2030-05-31 23:59, .*renew it there/],
      [
        { ...FACTS, answers: { version: { ok: false, message: 'showed another one.', untrusted: true } } },
        /^Thumbprint Failed: showed another one/,
      ],
      [
        { ...FACTS, answers: {} },
        /^Credentials Failed: Secret x does not exist/,
        { ...CONTEXT, credentials: no('Secret x does not exist; create it.') },
      ],
      [withAnswer('version', answered(403, {})), /^Credentials Failed: cs-1 does not accept the user name and password of the Secret/],
      [
        withAnswer('version', answered(401, {})),
        /^Credentials Failed: cs-1 asks for a log-in; put username/,
        { ...CONTEXT, credentials: { ok: true, value: 'NoneNamed' } },
      ],
      [withAnswer('version', answered(429, {})), /^Credentials Failed: cs-1 refuses log-ins for a while/],
      [withAnswer('capacity', answered(401, {})), /^Credentials Failed/],
      [
        withAnswer('version', no('cs-1 did not answer within 5 s.')),
        /^Credentials Failed: The log-in could not be tried: cs-1 did not answer/,
      ],
      [withAnswer('version', answered(200, 'hello')), /^Version Failed: .*see that its url leads to a connection server/],
      [withAnswer('version', answered(302, undefined)), /^Version Failed: cs-1 answered 302/],
      [
        withAnswer('version', answered(200, { version: '2.1.0' })),
        /^Version Failed: cs-1 is 2.1.0; this cluster speaks v1 \(1.x\): install/,
      ],
      [
        withAnswer('health', answered(503, { status: 'Unhealthy', message: 'the back\u001B[31m end is down' })),
        /^PreChecks Failed: cs-1 says that it is not healthy \(503: the back \[31m end is down\); put that right/,
      ],
      [withAnswer('health', no('it broke off.')), /^PreChecks Failed: It passed the log-in and then failed: it broke off/],
      [withAnswer('capacity', answered(200, { capacity: 0 })), /^PreChecks Failed: cs-1 has room for 0 sessions; give it/],
      [withAnswer('capacity', answered(200, { capacity: 'many' })), /^PreChecks Failed: .*no number of sessions/],
      [withAnswer('license', answered(500, {})), /^PreChecks Failed: cs-1 answered 500 to \/v1\/license/],
    ];
    for (const [facts, expected, context] of says) assert.match(trouble(facts, server(), context), expected);
    assert.match(
      trouble({}, { name: 'cs-1', url: 'https://cs-1:99999' }),
      /^Name Failed: .*write spec.connectionServers\[\].url as https:\/\/name:port/,
    );
  });

  it('versions: by the API that it speaks, else by 1.x', () => {
    assert.equal(trouble(withAnswer('version', answered(200, { version: '1.9.3' }))), '');
    assert.equal(trouble(withAnswer('version', answered(200, { version: '7.0.0', api: ['v1', 'v2'] }))), '');
    assert.notEqual(trouble(withAnswer('version', answered(200, {}))), '');
  });

  it('two entries that are one server fail at the second', () => {
    const two = [server('cs-1'), server('cs-2')];
    const all = pairingLines(two, new Map(two.map(({ name }) => [name, FACTS])), CONTEXT);
    const failed = all.filter((line) => line.result !== 'Passed');
    assert.deepEqual(
      failed.map((line) => [line.server, line.check]),
      [['cs-2', 'PreChecks']],
    );
    assert.match(failed[0]?.message ?? '', /cs-2 and cs-1 are one and the same server; take one of the two out/);
  });

  it('places', () => {
    assert.deepEqual(placeOf('https://cs-1.example:9443'), { host: 'cs-1.example', port: 9443 });
    assert.deepEqual(placeOf('https://[::1]:9443'), { host: '::1', port: 9443 });
    assert.deepEqual(placeOf('https://10.0.0.1'), { host: '10.0.0.1', port: 443 });
    for (const bad of ['http://x:1', 'https://x:0', 'https://x:70000', 'https://x:1/path', 'https://u@x:1', 'https://'])
      assert.equal(placeOf(bad), undefined, bad);
  });
});
