/**
 * `-o json|yaml`: what a command prints for programs. Words for people go to standard error then, so that what is printed can be piped.
 */

import { createScreen } from '../cli/screen.ts';
import type { Screen } from '../cli/screen.ts';
import { yamlText } from '../platform/config-file.ts';
import type { Terminal } from '../ports/terminal.ts';
import type { OptionRow } from './command.ts';

export type Format = 'json' | 'yaml';

export const OUTPUT: OptionRow = ['-o, --output <format>', 'for programs', ['json', 'yaml']];

/** Undefined: words for people. `--json`, where a command has it, is another way to say `-o json`. */
export function formatOf(options: Readonly<Record<string, unknown>>): Format | undefined {
  const format = options['output'];
  if (format === 'json' || format === 'yaml') return format;
  return options['json'] === true ? 'json' : undefined;
}

export function inFormat(format: Format, value: unknown): string {
  return format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : yamlText(value);
}

/** Where a command tells how it goes. */
export function screenFor(format: Format | undefined, terminal: Terminal): Screen {
  if (format === undefined) return createScreen(terminal);
  return createScreen({ ...terminal, interactive: false, color: false, write: terminal.writeError });
}
