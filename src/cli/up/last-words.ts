/**
 * What a part said last in its log, as a sentence for the person whose part does not come up.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Files } from '../../ports/files.ts';

const LINES_LOOKED_AT = 50;
/** The line of a crash that says why. */
const CRASH = /^(?:\w*(?:Error|Fault|AssertionFailed)\b.*|Warning): /;
/** How a fault of ours begins (src/cli/render-fault.ts). */
const SPOKEN = 'outrigger: ';

/** The newest error, else what a program printed when it crashed, else the newest warning; with the file to look at. */
export function lastWordsOf(files: Files, logFile: string): string | undefined {
  const lines = (files.readText(logFile) ?? '').trimEnd().split('\n').slice(-LINES_LOOKED_AT).toReversed();
  const said = lines.map(readEntry);
  const error =
    said.find((entry) => entry.level === 'error' || entry.text.startsWith(SPOKEN)) ??
    said.find((entry) => entry.level === undefined && CRASH.test(entry.text)) ??
    said.find((entry) => entry.level === undefined && /[a-z]/i.test(entry.text)) ??
    said.find((entry) => entry.level === 'warn');
  const see = `See ${logFile}.`;
  return error === undefined ? see : `It said: ${error.text.replace(SPOKEN, '')} ${see}`;
}

function readEntry(line: string): { readonly level: string | undefined; readonly text: string } {
  try {
    const entry: unknown = JSON.parse(line);
    if (!isJsonObject(entry)) return { level: undefined, text: line };
    const { level, message, error } = entry;
    const cause = isJsonObject(error) && typeof error['message'] === 'string' ? `: ${error['message']}` : '';
    return { level: typeof level === 'string' ? level : 'unknown', text: `${typeof message === 'string' ? message : ''}${cause}` };
  } catch {
    return { level: undefined, text: line.trim() };
  }
}
