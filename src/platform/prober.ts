/**
 * Probes over plain sockets. HTTP is asked by hand, one request and the first line of its answer: Node's HTTP client would cost the agent
 * megabytes for that.
 *
 * I1: an answer comes within the time allowed, and no socket is left behind.
 * I2: for httpGet 200 to 399 is well, as for the kubelet; for tcpSocket a connection is; for exec exit code 0 is.
 */

import { connect } from 'node:net';
import { isFault } from '../model/fault.ts';
import type { ProbeAnswer, Prober, ProbeTarget } from '../ports/prober.ts';
import type { PodRuntime } from '../ports/runtime.ts';

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})/;
/** A status line is shorter than this, or it is none. */
const STATUS_LINE_CHARS = 64;

export function prober(runtime: PodRuntime): Prober {
  return {
    ask: async (probe, target, timeoutMs, signal) => {
      if (probe.exec !== undefined) return await askByExec(runtime, probe.exec.command, target, timeoutMs, signal);
      if (probe.tcpSocket !== undefined) return await askBySocket(target.podAddress, probe.tcpSocket.port, undefined, timeoutMs, signal);
      if (probe.httpGet !== undefined)
        return await askBySocket(target.podAddress, probe.httpGet.port, probe.httpGet.path, timeoutMs, signal);
      return { ok: false, message: 'the probe names neither httpGet nor tcpSocket nor exec' };
    },
  };
}

async function askByExec(
  runtime: PodRuntime,
  command: readonly string[],
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  try {
    const { exitCode, output } = await runtime.exec(target.key, target.container, command, timeoutMs, signal);
    if (exitCode === 0) return { ok: true };
    const how = exitCode === null ? `did not end within ${timeoutMs} ms` : `ended with ${exitCode}`;
    return { ok: false, message: `${command[0] ?? ''} ${how}${output === '' ? '' : `: ${output.trim()}`}` };
  } catch (cause) {
    if (!isFault(cause) && !signal.aborted) throw cause;
    return { ok: false, message: cause instanceof Error ? cause.message : String(cause) };
  }
}

/** A connection, and with `path` an HTTP request on it. Answers within the time and never rejects. */
export function askBySocket(
  host: string,
  port: number,
  path: string | undefined,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const where = path === undefined ? `${host}:${port}` : `http://${host}:${port}${path}`;
  return new Promise((done) => {
    const socket = connect({ host, port });
    const finish = (answer: ProbeAnswer): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      done(answer);
    };
    const fail = (why: string): void => finish({ ok: false, message: `${where}: ${why}` });
    const onAbort = (): void => fail('given up');
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    let head = '';
    socket.once('connect', () => {
      if (path === undefined) finish({ ok: true });
      else
        socket.write(
          `GET ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\nuser-agent: outrigger-probe\r\naccept: */*\r\nconnection: close\r\n\r\n`,
        );
    });
    socket.on('data', (bytes: Buffer) => {
      head += bytes.toString('latin1').slice(0, STATUS_LINE_CHARS - head.length);
      const status = STATUS_LINE.exec(head)?.[1];
      if (status !== undefined)
        finish(Number(status) >= 200 && Number(status) < 400 ? { ok: true } : { ok: false, message: `${where}: ${status}` });
      else if (head.length >= STATUS_LINE_CHARS) fail('the answer is not HTTP/1');
    });
    socket.once('error', (cause: NodeJS.ErrnoException) => fail(cause.code ?? cause.message));
    socket.once('close', () => fail('the connection was closed without an answer'));
  });
}
