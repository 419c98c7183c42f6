/** The formats that are checked, by examples and, for addresses, against Node's own judgment. */

import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { STRING_FORMATS, isDateTime, isIpv4, isIpv6 } from '../../../src/director/schema/formats.ts';

const EXAMPLES: Readonly<Record<string, readonly [good: readonly string[], bad: readonly string[]]>> = {
  'date-time': [
    ['2026-01-31T12:00:00Z', '2024-02-29t23:59:59.123456789z', '2026-01-31T12:00:00+02:00', '0001-01-01T00:00:00-23:59'],
    [
      '',
      '2026-01-31',
      '2026-01-31T12:00:00',
      '2026-02-29T12:00:00Z',
      '2026-13-01T12:00:00Z',
      '2026-01-31T24:00:00Z',
      '2026-01-31T12:60:00Z',
      '2026-01-31T12:00:60Z',
      '2026-01-31T12:00:00.Z',
      '2026-01-31T12:00:00.1234567890Z',
      '2026-01-31T12:00:00+2:00',
      '2026-01-31T12:00:00+24:00',
      '2026-01-31T12:00:00Zx',
      ' 2026-01-31T12:00:00Z',
      '2026-01-31 12:00:00Z',
      '٢٠٢٦-01-31T12:00:00Z',
      '2026-00-31T12:00:00Z',
      '2026-01-00T12:00:00Z',
    ],
  ],
  date: [
    ['2026-01-31', '2000-02-29'],
    ['2026-1-31', '1900-02-29', '2026-04-31', '2026-01-31T'],
  ],
  duration: [
    ['1h30m', '-1.5s', '0', '300ms', '1µs', '+.5h'],
    ['', 'h', '1', '1h 30m', '1d', '--1s', '.s'],
  ],
  uuid: [
    ['123e4567-e89b-42d3-a456-426614174000', '123E4567E89B42D3A456426614174000'],
    ['123e4567', 'g23e4567-e89b-42d3-a456-426614174000'],
  ],
  ipv4: [
    ['0.0.0.0', '192.0.2.255'],
    ['1.2.3', '256.1.1.1', '01.2.3.4', '1.2.3.4 '],
  ],
  ipv6: [
    ['::', '2001:db8::1', '::ffff:192.0.2.1', '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7', ':::', '1::2::3', '12345::', '::1.2.3'],
  ],
  ip: [['192.0.2.1', '::1'], ['localhost']],
  cidr: [
    ['192.0.2.0/24', '2001:db8::/32', '0.0.0.0/0'],
    ['192.0.2.0', '192.0.2.0/33', '::/129', '192.0.2.0/024', '1.2.3.4/5/6'],
  ],
  mac: [
    ['02:00:5e:10:00:01', '02-00-5E-10-00-01'],
    ['02:00:5e:10:00', '0200.5e10.0001'],
  ],
  hostname: [
    ['a', 'node-1.example.com', 'EXAMPLE.com.'],
    ['', '-a', 'a-', 'a..b', 'a_b', 'x'.repeat(64)],
  ],
  'k8s-short-name': [['a-1'], ['A', 'a.b', 'x'.repeat(64)]],
  'k8s-long-name': [['a.b-1'], ['A.b', 'a..b', 'x'.repeat(254)]],
  uri: [
    ['https://example.com/a?b#c', 'urn:a:b'],
    ['/a', 'a b', 'https://exa mple', ''],
  ],
  email: [
    ['ops@example.com', 'a.b+c@x.io'],
    ['ops', '@x', 'a@', 'a b@x.io', 'a@x y'],
  ],
  byte: [
    ['', 'YQ==', 'YWJj'],
    ['YQ=', 'a', '*&^%'],
  ],
};

describe('formats', () => {
  for (const [name, [good, bad]] of Object.entries(EXAMPLES)) {
    const format = STRING_FORMATS.get(name)!;
    for (const text of good) test(`${name} accepts ${JSON.stringify(text)}`, () => assert.equal(format.test(text), true));
    for (const text of bad) test(`${name} refuses ${JSON.stringify(text).slice(0, 60)}`, () => assert.equal(format.test(text), false));
  }

  test('every format has a sentence', () => {
    for (const [name, { says }] of STRING_FORMATS) assert.ok(says.length > 10, name);
  });

  test('addresses are judged as Node judges them', () => {
    const part = fc.oneof(fc.nat(300).map(String), fc.constantFrom('00', '01', '', 'a'));
    const four = fc.array(part, { minLength: 3, maxLength: 5 }).map((parts) => parts.join('.'));
    const group = fc.oneof(
      fc.nat(0x1ffff).map((n) => n.toString(16)),
      fc.constantFrom('', '', 'g', '192.0.2.1'),
    );
    const six = fc.array(group, { minLength: 2, maxLength: 9 }).map((groups) => groups.join(':'));
    fc.assert(fc.property(four, (text) => isIpv4(text) === isIPv4(text)));
    fc.assert(
      fc.property(fc.oneof(six, fc.ipV6()), (text) => isIpv6(text) === isIPv6(text)),
      { numRuns: 2000 },
    );
  });

  test('every instant that JavaScript writes is a date-time', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') }), (date) =>
        isDateTime(date.toISOString()),
      ),
    );
  });
});
