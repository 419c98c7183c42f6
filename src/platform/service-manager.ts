/**
 * `ServiceManager` for systemd: messages as sd_notify(3) has them, sent to NOTIFY_SOCKET by systemd's own `systemd-notify`.
 *
 * Node has no datagrams on Unix sockets; the small program that comes with systemd has, and asks back (a barrier) whether its message was
 * attributed to this unit before it ends. What it costs: docs/decisions/0015.
 *
 * I1: at most one message is under way; what comes meanwhile waits, the newest of each kind alone, so the queue has four places.
 * I2: the watchdog is fed by calls of `progressed` and by nothing else, and only from the process that it is meant for (WATCHDOG_PID).
 * I3: a message that cannot be sent is warned of once and dropped; a helper that hangs is ended after MESSAGE_DEADLINE_MS.
 */

import { spawn, spawnSync } from 'node:child_process';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ServiceManager } from '../ports/service-manager.ts';

/** How one message of `NAME=value` lines is sent; resolves true when it was taken. */
export type SendToManager = (lines: readonly string[]) => Promise<boolean>;

interface ServiceManagerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** When it aborts, the manager is told that the process ends. */
  readonly until?: AbortSignal;
  /** Another way to send, for tests. */
  readonly send?: SendToManager;
}

const PROGRAM = 'systemd-notify';
const MESSAGE_DEADLINE_MS = 5_000;
/** Of the watchdog's time. With rounds each 10 s and a watchdog of 30 s one message may be lost. */
const FEED_SHARE = 1 / 5;
const STATUS_CHARS = 400;

/** Variables by which systemd speaks to one process; its children must not take them for theirs. */
export const MANAGER_VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'INVOCATION_ID', 'JOURNAL_STREAM', 'SYSTEMD_EXEC_PID'];

export function serviceManager(deps: ServiceManagerDeps): ServiceManager {
  const { environment, clock } = deps;
  if ((environment['NOTIFY_SOCKET'] ?? '') === '') return NOBODY;
  const messages = messageQueue(deps);
  const feedEveryMs = watchdogMs(environment) * FEED_SHARE;
  let isReady = false;
  let fedMs = clock.monotonicMs();
  const stopping = (): void => messages.put('STOPPING', '1');
  deps.until?.addEventListener('abort', stopping, { once: true });
  return {
    ready: () => {
      if (isReady) return;
      isReady = true;
      fedMs = clock.monotonicMs();
      messages.put('READY', '1');
    },
    progressed: () => {
      const nowMs = clock.monotonicMs();
      if (nowMs - fedMs < feedEveryMs) return;
      fedMs = nowMs;
      messages.put('WATCHDOG', '1');
    },
    stopping,
    status: (text) => messages.put('STATUS', statusLine(text)),
  };
}

/** What is left to say before the process ends badly: `systemctl status` shows it until the next start. Waits until it is taken. */
export function lastWordToManager(text: string): void {
  if ((process.env['NOTIFY_SOCKET'] ?? '') === '') return;
  spawnSync(PROGRAM, [`STATUS=${statusLine(text)}`], { stdio: 'ignore', timeout: MESSAGE_DEADLINE_MS });
}

const NOBODY: ServiceManager = { ready: () => undefined, progressed: () => undefined, stopping: () => undefined, status: () => undefined };

/** Infinity: there is no watchdog, or it is not for this process. */
function watchdogMs(environment: ServiceManagerDeps['environment']): number {
  const { WATCHDOG_USEC: microseconds = '', WATCHDOG_PID: pid = '' } = environment;
  // An old Node cannot become the program, and runs it as its child (bin/outrigger.mjs).
  const isMeant = pid === '' || Number(pid) === process.pid || Number(pid) === process.ppid;
  return isMeant && /^[1-9]\d*$/.test(microseconds) ? Number(microseconds) / 1000 : Infinity;
}

function messageQueue({ log, send = sendByProgram }: ServiceManagerDeps): { put(name: string, value: string): void } {
  const waiting = new Map<string, string>();
  let isSending = false;
  let hasWarned = false;
  const drain = async (): Promise<void> => {
    isSending = true;
    while (waiting.size > 0) {
      const lines = [...waiting].map(([name, value]) => `${name}=${value}`);
      waiting.clear();
      if ((await send(lines)) || hasWarned) continue;
      hasWarned = true;
      log.warn(`systemd cannot be told that this process works (${PROGRAM} failed); it may end and start it again. Install ${PROGRAM}.`);
    }
    isSending = false;
  };
  return {
    put: (name, value) => {
      waiting.set(name, value);
      if (!isSending) void drain();
    },
  };
}

function sendByProgram(lines: readonly string[]): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn(PROGRAM, lines, { stdio: 'ignore', timeout: MESSAGE_DEADLINE_MS, killSignal: 'SIGKILL' });
    child.once('error', () => done(false));
    child.once('exit', (code) => done(code === 0));
    child.unref();
  });
}

/** One line: a message is lines, and what comes after a line break would be another one. */
function statusLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > STATUS_CHARS ? `${line.slice(0, STATUS_CHARS - 1)}…` : line;
}
