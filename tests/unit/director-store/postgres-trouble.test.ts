/**
 * What PostgreSQL's last words mean.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FaultCode } from '../../../src/model/fault.ts';
import { exitFault, worldFault } from '../../../src/platform/postgres/trouble.ts';
import { parsePostgresUrl } from '../../../src/platform/postgres/server.ts';
import { isFault } from '../../../src/model/fault.ts';

const AT = '2026-01-01 00:00:00.000 UTC [1] ';
const CASES: readonly (readonly [string, FaultCode, RegExp])[] = [
  [`${AT}FATAL:  could not write to file "pg_wal/xlogtemp.1": No space left on device`, 'DiskFull', /disk of WHERE is full/],
  [
    `${AT}FATAL:  data directory "/d" has wrong ownership\nHINT:  The server must be started by the user that owns the data directory.`,
    'FolderUnwritable',
    /has wrong ownership; HINT/,
  ],
  [
    `${AT}FATAL:  lock file "/r/.s.PGSQL.5432.lock" already exists\n${AT}HINT:  Is another postmaster (PID 7) using socket file "/r/.s.PGSQL.5432"?`,
    'AlreadyRunning',
    /another server holds its socket.*PID 7/,
  ],
  ['postgres: error while loading shared libraries: libicuuc.so.60: cannot open shared object file', 'ProgramMissing', /libicuuc/],
  [
    `${AT}FATAL:  database files are incompatible with server\n${AT}DETAIL:  The data directory was initialized by PostgreSQL version 15`,
    'ProgramFailed',
    /of another version/,
  ],
  [
    `${AT}LOG:  starting\n${AT}PANIC:  could not locate a valid checkpoint record`,
    'ProgramFailed',
    /PANIC: +could not locate a valid checkpoint record.*Look at WHERE/,
  ],
  ['', 'ProgramFailed', /it said nothing/],
];

describe('trouble with PostgreSQL', () => {
  it('is told by kind, with its own words and where to look', () => {
    for (const [words, code, message] of CASES) {
      const fault = exitFault('PostgreSQL', words, 'WHERE');
      assert.equal(fault.code, code, words);
      assert.match(fault.message, message);
    }
  });

  it('with a folder says what to do', () => {
    assert.equal(worldFault(Object.assign(new Error('x'), { code: 'ENOSPC' }), 'A folder').code, 'DiskFull');
    assert.match(
      worldFault(Object.assign(new Error('EROFS: read-only'), { code: 'EROFS' }), 'A folder').message,
      /^A folder: EROFS.*--data/,
    );
  });
});

describe('the URL of a database', () => {
  it('gives host, port, user, password and database, or the folder of a socket', () => {
    assert.deepEqual(parsePostgresUrl('postgres://me:s%40crt@db.example:6000/store'), {
      host: 'db.example',
      port: 6000,
      user: 'me',
      password: 's@crt',
      database: 'store',
    });
    assert.deepEqual(parsePostgresUrl('postgresql:///store?host=/run/pg&user=me'), {
      host: '/run/pg',
      port: 5432,
      user: 'me',
      database: 'store',
    });
  });

  it('that is none is refused without repeating it, as it may hold a password', () => {
    for (const text of ['host=db password=secret', 'https://me:secret@db', 'postgres://me:secret@db:notaport/x']) {
      assert.throws(
        () => parsePostgresUrl(text),
        (error) => isFault(error, 'SettingInvalid') && !error.message.includes('secret'),
      );
    }
  });

  it('says by sslmode whether the way is encrypted; what it does not know it refuses', () => {
    const tlsOf = (query: string): string | undefined => parsePostgresUrl(`postgres://db/x${query}`).tls;
    assert.deepEqual(['', '?sslmode=disable', '?sslmode=require', '?sslmode=verify-full'].map(tlsOf), [
      undefined,
      undefined,
      'encrypted',
      'verified',
    ]);
    for (const query of ['?sslmode=prefer', '?sslmodus=require', '?sslmode=verify-full&sslrootcert=/nowhere']) {
      assert.throws(
        () => tlsOf(query),
        (error) => isFault(error, 'SettingInvalid'),
        query,
      );
    }
  });
});
