/**
 * A full disk under PostgreSQL, for real: a small tmpfs. Needs root (mount).
 *
 * Writes end with a sentence and an answer that means "try again", never with a lie; what was acknowledged is there when there is room again.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { startEmbeddedPostgres, stopEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import type { EmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { startDirector } from '../support/director.ts';
import type { HttpResult, TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { guard, quietLog } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';

const SIZE = '256m';
const NEVER = new AbortController().signal;
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
/** The deadline of a write is 10 s; ten times that is the most that a test waits for an answer. */
const ANSWER_MS = 100_000;

const mountPoint = mkdtempSync(join(tmpdir(), 'full-'));
chmodSync(mountPoint, 0o755);
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0755`, 'outrigger-full', mountPoint]);
let postgres: EmbeddedPostgres | undefined;

after(async () => {
  if (postgres !== undefined) await stopEmbeddedPostgres(postgres.folder);
  execFileSync('umount', ['-l', mountPoint]);
  rmSync(mountPoint, { recursive: true, force: true });
});

function start(): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataFolder: join(mountPoint, 'data'), sharedRoot: join(mountPoint, 'shared'), log: quietLog }, NEVER);
}

function create(director: TestDirector, name: string, bytes: number): Promise<HttpResult> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { filling: 'x'.repeat(bytes) } };
  return director.call('POST', CONFIG_MAPS, { body });
}

function fillDisk(): string {
  const filler = join(mountPoint, 'filler');
  const { bavail, bsize } = statfsSync(mountPoint);
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - 256 * 1024), 1));
  return filler;
}

describe('a full disk', () => {
  it(
    'refuses writes with a sentence, loses nothing that was acknowledged, and goes on when there is room',
    { timeout: 5 * 60_000 },
    async () => {
      postgres = await start();
      guard(postgres, mountPoint);
      const director = await startDirector({ database: { address: postgres.address } as TestDatabase });
      const acknowledged: string[] = [];
      for (let index = 0; index < 5; index++) {
        assert.equal((await create(director, `before-${index}`, 1000)).status, 201);
        acknowledged.push(`before-${index}`);
      }

      const filler = fillDisk();
      let refused: HttpResult | undefined;
      for (let index = 0; index < 200 && refused === undefined; index++) {
        const answer = await create(director, `full-${index}`, 200_000);
        if (answer.status === 201) acknowledged.push(`full-${index}`);
        else refused = answer;
      }
      assert.ok(refused, 'the disk was never full');
      const said = refused.json();
      assert.ok([503, 504].includes(refused.status), `answered ${refused.status}: ${refused.text}`);
      assert.equal(said['kind'], 'Status');
      assert.match(String(said['message']), /disk is full .* Make room/, 'what, why, what to do');
      process.stdout.write(`# a full disk is answered: ${refused.status} ${JSON.stringify(said['message'])}\n`);

      rmSync(filler);
      // PostgreSQL stops when it cannot write its log; whoever supervises it starts it again.
      postgres = await start();
      const again = await eventually(
        'writes go on once there is room',
        async () => {
          const answer = await create(director, 'after', 1000);
          return answer.status === 201 || answer.status === 409 ? answer : undefined;
        },
        ANSWER_MS,
      );
      assert.ok(again);
      const listed = (await director.call('GET', CONFIG_MAPS)).json() as { items: { metadata: { name: string } }[] };
      const names = new Set(listed.items.map((item) => item.metadata.name));
      for (const name of acknowledged) assert.ok(names.has(name), `${name} was acknowledged and is gone`);
      await director.stop();
    },
  );
});
