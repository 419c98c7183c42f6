/**
 * The one place where what went wrong becomes words for a person and an exit code for a script.
 *
 * I1: a Fault is its own sentence; no stack. Anything else is a bug of ours and says so, with all there is to find it.
 */

import { isFault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';

export interface RenderedFault {
  /** Lines for standard error, each ended. */
  readonly text: string;
  readonly exit: ExitCode;
}

export function renderFault(error: unknown): RenderedFault {
  if (isFault(error)) {
    const lines = error.message.split('\n').map((line) => `outrigger: ${line}`);
    return { text: `${lines.join('\n')}\n${renderCause(error.message, error.cause)}`, exit: error.row.exit };
  }
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `outrigger: A promise of Outrigger's own code was broken; please report this with the lines below.\n${told}\n`, exit: 1 };
}

/** What the platform said, when the sentence does not hold it already. */
function renderCause(sentence: string, cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  const said = sentence.toLowerCase();
  const chain = messagesOf(cause);
  // A wrapper such as "fetch failed" tells nothing where the sentence names what is at its root.
  if (chain.some((message) => said.includes(message.toLowerCase().replace(/\.$/, '')))) return '';
  return `  because: ${chain.at(-1)?.split('\n')[0] ?? ''}\n`;
}

function messagesOf(cause: Error): readonly string[] {
  const rest = cause.cause instanceof Error && cause.cause !== cause ? messagesOf(cause.cause) : [];
  return cause.message === '' ? rest : [cause.message, ...rest];
}
