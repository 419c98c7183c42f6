/**
 * What a director's supervisor hears: rounds that end, and nothing of one that does not.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { showDirectorProgress } from '../../../src/director/progress.ts';
import { Fault } from '../../../src/model/fault.ts';

interface Heard {
  rounds: number;
  readonly status: string[];
}

/** Lets the loop go round until it has asked `times` times, then ends it. */
async function hear(fresh: () => Promise<number>, times: number): Promise<Heard> {
  const heard: Heard = { rounds: 0, status: [] };
  const end = new AbortController();
  let asked = 0;
  const ask = (): Promise<number> => {
    if (++asked > times) end.abort();
    return fresh();
  };
  const loop = showDirectorProgress(
    {
      store: { fresh: ask },
      clock: { sleep: () => new Promise<void>((go) => setImmediate(go)) },
      service: {
        ready: () => undefined,
        stopping: () => undefined,
        progressed: () => void heard.rounds++,
        status: (text) => void heard.status.push(text),
      },
      url: 'https://d:7443',
    },
    end.signal,
  );
  await Promise.race([loop, new Promise((late) => setTimeout(late, 200))]);
  return heard;
}

describe('progress of a director', () => {
  test('I1: each answered read is a round; what is said is said once', async () => {
    assert.deepEqual(await hear(() => Promise.resolve(7), 3), { rounds: 3, status: ['Serves at https://d:7443.'] });
  });

  test('I2: a database that does not answer is a round too, and said', async () => {
    const { rounds, status } = await hear(() => Promise.reject(new Fault('StoreTimeout', 'The database does not answer.')), 2);
    assert.equal(rounds, 2);
    assert.deepEqual(status, ['Waits for its database: The database does not answer.']);
  });

  test('I1: a read that never ends is no round', async () => {
    assert.equal((await hear(() => new Promise<number>(() => undefined), 2)).rounds, 0);
  });
});
