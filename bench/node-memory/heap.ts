/**
 * How much JavaScript a running Node process holds, asked through its inspector, which SIGUSR1 opens.
 *
 * The inspector costs the process a megabyte or two and moves its heap, so it is asked after everything else was measured.
 */

import { setTimeout as sleep } from 'node:timers/promises';

/** Where Node's inspector listens after SIGUSR1; one process at a time has it. */
const INSPECTOR = 'http://127.0.0.1:9229/json';
const TRIES = 50;
const ASK = `[process.pid, process.memoryUsage().heapUsed].join(' ')`;
const CLOSE = `setTimeout(() => process.getBuiltinModule('node:inspector').close(), 20); 0`;

/** MB of live objects and garbage; undefined: it could not be asked (another process has the inspector's port). */
export async function usedHeapMB(pid: number): Promise<number | undefined> {
  process.kill(pid, 'SIGUSR1');
  const url = await inspectorUrl();
  if (url === undefined) return undefined;
  const socket = new WebSocket(url);
  try {
    const [asked, heapBytes] = String(await evaluate(socket, ASK))
      .split(' ')
      .map(Number);
    if (asked !== pid || heapBytes === undefined) return undefined;
    await evaluate(socket, CLOSE);
    return heapBytes / 2 ** 20;
  } finally {
    socket.close();
    // Until its inspector has let go of the port, the next one cannot have it.
    await sleep(100);
  }
}

async function inspectorUrl(): Promise<string | undefined> {
  for (let tried = 0; tried < TRIES; tried++) {
    try {
      const targets = (await (await fetch(INSPECTOR)).json()) as { webSocketDebuggerUrl?: string }[];
      return targets[0]?.webSocketDebuggerUrl;
    } catch {
      await sleep(100);
    }
  }
  return undefined;
}

async function evaluate(socket: WebSocket, expression: string): Promise<unknown> {
  const opened = Promise.withResolvers<undefined>();
  if (socket.readyState === WebSocket.OPEN) opened.resolve(undefined);
  const answered = Promise.withResolvers<string>();
  const lost = (): void => {
    opened.reject(new Error('the inspector closed the connection'));
    answered.reject(new Error('the inspector closed the connection'));
  };
  socket.addEventListener('open', () => opened.resolve(undefined), { once: true });
  socket.addEventListener('close', lost, { once: true });
  socket.addEventListener('message', (event) => answered.resolve(String(event.data)), { once: true });
  await Promise.race([opened.promise, answered.promise]);
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression, returnByValue: true } }));
  const answer = JSON.parse(await answered.promise) as { result?: { result?: { value?: unknown } } };
  return answer.result?.result?.value;
}
