/**
 * kubectl as tests use it: commands that must work, commands that must be refused, and what they are fed.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandResult, TestDirector } from './director.ts';
import type { KubectlMinor } from './kubectl.ts';

export interface Shell {
  readonly namespace: string;
  /** Runs kubectl in the namespace and expects it to work; gives what it printed. */
  ok(...args: string[]): Promise<string>;
  /** The same with something on standard input. */
  fed(input: string, ...args: string[]): Promise<string>;
  /** Runs kubectl and expects it to fail; gives what it complained of. */
  refused(...args: string[]): Promise<string>;
  refusedFed(input: string, ...args: string[]): Promise<string>;
}

/** kubectl of that minor against the director, in a namespace. */
export function shellOf(director: TestDirector, minor: KubectlMinor, namespace: string): Shell {
  const run = (args: readonly string[], input?: string): Promise<CommandResult> =>
    director.kubectl(minor, ['-n', namespace, ...args], input);
  const ok = async (args: readonly string[], input?: string): Promise<string> => {
    const result = await run(args, input);
    assert.equal(result.code, 0, `kubectl ${args.join(' ')}: ${result.stderr}${result.stdout}`);
    return result.stdout;
  };
  const refused = async (args: readonly string[], input?: string): Promise<string> => {
    const result = await run(args, input);
    assert.notEqual(result.code, 0, `kubectl ${args.join(' ')} was not refused: ${result.stdout}`);
    return result.stderr;
  };
  return {
    namespace,
    ok: (...args) => ok(args),
    fed: (input, ...args) => ok(args, input),
    refused: (...args) => refused(args),
    refusedFed: (input, ...args) => refused(args, input),
  };
}

/** A Cluster as JSON. */
export function cluster(name: string, spec: Record<string, unknown> = {}, labels: Record<string, string> = {}): string {
  return JSON.stringify({
    apiVersion: 'outrigger.dev/v1',
    kind: 'Cluster',
    metadata: { name, ...(Object.keys(labels).length === 0 ? {} : { labels }) },
    spec: { virtualDataCenter: 'small', release: '1.0.0', workers: 1, ...spec },
  });
}

/** A program that edits a file as sed says. */
export function editorThat(script: string): string {
  const editor = join(mkdtempSync(join(tmpdir(), 'editor-')), 'edit.sh');
  writeFileSync(editor, `#!/bin/sh\nsed -i '${script}' "$1"\n`);
  chmodSync(editor, 0o755);
  return editor;
}

/** Lines of a table without the header, split at runs of spaces. */
export function rows(table: string): string[][] {
  return table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/ {2,}/));
}
