/**
 * The HTTPS client of nodes against connection servers that misbehave: a fault with a sentence each, in time, bounded, and nothing sent to
 * whom is not trusted. Also the proof that the rig does what its names say.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isFault } from '../../src/model/fault.ts';
import type { FaultCode } from '../../src/model/fault.ts';
import { mutualHttp } from '../../src/platform/mutual-http.ts';
import type { MutualAnswer } from '../../src/ports/mutual-http.ts';
import { BAD_BEHAVIORS, BAD_SERVER_ACCOUNT, badConnectionServer } from '../support/bad-connection-server.ts';
import type { BadBehavior, BadConnectionServer } from '../support/bad-connection-server.ts';
import { eventually } from '../support/eventually.ts';

const http = mutualHttp();
const never = new AbortController().signal;
const DEADLINE_MS = 1_500;
const MAX_BYTES = 64 * 1024;

function call(server: BadConnectionServer, deadlineMs = DEADLINE_MS): Promise<MutualAnswer> {
  const { username, password } = BAD_SERVER_ACCOUNT;
  return http.call(
    {
      method: 'GET',
      url: `${server.url}/v1/version`,
      headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
      trust: { kind: 'pin', pin: server.pin },
      deadlineMs,
      maxAnswerBytes: MAX_BYTES,
      trustedNowMs: Date.now(),
    },
    never,
  );
}

/** What a client gets: a status, or a fault's code and a part of its sentence. */
const EXPECTED: Readonly<Record<BadBehavior, number | readonly [FaultCode, RegExp]>> = {
  normal: 200,
  'wrong-certificate': ['PeerUntrusted', /is pinned: .* Nothing was sent to it\./],
  expired: ['PeerUntrusted', /ended on \d{4}-/],
  // Trusted time may lag, so a beginning is not judged (src/platform/mutual-http.ts).
  'not-yet-valid': 200,
  'hangs-before-handshake': ['DeadlineExceeded', /did not answer within 1\.5 s/],
  'hangs-after-handshake': ['DeadlineExceeded', /did not answer within 1\.5 s/],
  'length-too-long': ['PeerAnswerInvalid', /its answer was not used/],
  'length-too-short': ['PeerAnswerInvalid', /its answer was not used/],
  floods: ['PeerAnswerInvalid', /sent more than the 65536 bytes/],
  'closes-in-the-middle': ['PeerAnswerInvalid', /its answer was not used/],
  garbage: ['PeerAnswerInvalid', /did not speak HTTP/],
  redirects: 302,
  unauthorized: 401,
  'huge-headers': ['PeerAnswerInvalid', /did not speak HTTP/],
  'gzip-bomb': ['PeerAnswerInvalid', /sent more than the 65536 bytes/],
  drips: ['DeadlineExceeded', /did not answer within 1\.5 s/],
};

describe('a connection server that misbehaves', () => {
  for (const behavior of BAD_BEHAVIORS) {
    test(`${behavior}: a sentence in time, and no connection is left`, async () => {
      const server = await badConnectionServer(behavior);
      const startedMs = performance.now();
      try {
        const expected = EXPECTED[behavior];
        if (typeof expected === 'number') {
          const answer = await call(server);
          assert.equal(answer.status, expected);
          assert.ok(answer.body.length <= MAX_BYTES);
        } else {
          const [code, sentence] = expected;
          await assert.rejects(call(server), (fault) => isFault(fault, code) && sentence.test(fault.message));
        }
        assert.ok(performance.now() - startedMs < DEADLINE_MS + 1_000, 'in time');
        if (['wrong-certificate', 'expired'].includes(behavior)) assert.deepEqual(server.requests(), []);
        assert.ok(server.sentBytes() < 32 * 1024 * 1024, 'the client does not read on');
        await eventually('the client has let go', () => server.connections() === 0, 5_000);
      } finally {
        await server.close();
      }
    });
  }

  test('a look shows the certificate of any of them, and sends nothing', async () => {
    const server = await badConnectionServer('expired');
    try {
      const shown = await http.look('127.0.0.1', server.port, DEADLINE_MS, never);
      assert.equal(shown.thumbprint, server.shown);
      assert.equal(shown.selfSigned, true);
      assert.deepEqual(server.requests(), []);
    } finally {
      await server.close();
    }
  });
});
