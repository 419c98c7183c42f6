/**
 * Asks the example service hello through a balancer, once or for as long as a test wants.
 */
import { get } from 'node:http';
import type { Agent } from 'node:http';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';

export interface HelloAnswer {
  readonly node: string;
  readonly pod: string;
  readonly release: string;
}

/** Rejects without a 200 within 5 s. */
export function askHello(host: string, port: number, agent: Agent | false = false): Promise<HelloAnswer> {
  return new Promise((done, failed) => {
    const request = get({ host, port, path: '/', agent, timeout: 5_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.once('error', failed).once('end', () => {
        if (response.statusCode === 200) done(JSON.parse(body) as HelloAnswer);
        else failed(new Error(`answered ${response.statusCode}`));
      });
    });
    request.once('error', failed).once('timeout', () => request.destroy(new Error('no answer within 5 s')));
  });
}

export interface Load {
  readonly asked: number;
  readonly failures: readonly string[];
  readonly releases: ReadonlySet<string>;
}

/** New connections at about `perSecond`, until `stop` is called, or the test is over. */
export function loadHello(t: TestContext, host: string, port: number, perSecond = 100): { stop(): Promise<Load> } {
  const failures: string[] = [];
  const releases = new Set<string>();
  const open = new Set<Promise<void>>();
  let asked = 0;
  let stopped = false;
  const run = async (): Promise<void> => {
    while (!stopped) {
      asked++;
      const one = askHello(host, port).then(
        (answer) => void releases.add(answer.release),
        (error: unknown) => void failures.push(`${new Date().toISOString()} ${String(error)}`),
      );
      open.add(one);
      void one.finally(() => open.delete(one));
      await wait(1000 / perSecond);
    }
    await Promise.all(open);
  };
  const running = run();
  const stop = async (): Promise<Load> => {
    stopped = true;
    await running;
    return { asked, failures, releases };
  };
  t.after(stop);
  return { stop };
}
