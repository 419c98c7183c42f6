/**
 * The layers of `npm test`, in the order they run: what is quick and points at the cause comes first.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Layer {
  readonly name: string;
  readonly folder: string;
  /** Test files at once, on two cores. */
  readonly concurrency: number;
  /** Files, by name, that measure time or load the machine: they run before the others, with nothing beside them. */
  readonly alone: readonly string[];
  /** A file that takes longer is stopped and fails. */
  readonly fileTimeoutMs: number;
  readonly needsRoot: boolean;
  /** Starts processes of Outrigger: after it none may be left. */
  readonly startsProcesses: boolean;
}

const MINUTE_MS = 60_000;

/** They count failed requests, or hold a promise in seconds against a machine that must be theirs. */
const MEASURING = [
  'balancer-conformance',
  'balancer-exchanges',
  'change',
  'drill',
  'front-door',
  'hosts',
  'kills-control',
  'license-days',
  'node-light',
  'presence',
  'self-managing',
  'truth-table',
  'tunnel-cuts',
];

export const LAYERS: readonly Layer[] = [
  layer('guards', { concurrency: 2, fileTimeoutMs: 5 * MINUTE_MS }),
  layer('unit', { concurrency: 2, fileTimeoutMs: 2 * MINUTE_MS }),
  layer('sim', { concurrency: 2, fileTimeoutMs: 10 * MINUTE_MS }),
  layer('contract', { concurrency: 2, fileTimeoutMs: 5 * MINUTE_MS, startsProcesses: true }),
  layer('integration', { concurrency: 2, alone: MEASURING, fileTimeoutMs: 10 * MINUTE_MS, startsProcesses: true }),
  layer('chaos', { fileTimeoutMs: 15 * MINUTE_MS, needsRoot: true, startsProcesses: true }),
];

function layer(name: string, differs: Partial<Layer>): Layer {
  const usual = { concurrency: 1, alone: [], fileTimeoutMs: 5 * MINUTE_MS, needsRoot: false, startsProcesses: false };
  return { ...usual, name, folder: `tests/${name}`, ...differs };
}

/** Test files of a layer, sorted; undefined when its folder does not exist. */
export function testFiles(root: string, { folder }: Layer): string[] | undefined {
  const path = join(root, folder);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .sort();
}

/** What a person asked for on the command line: layers by name, files by part of their path, tests by pattern. */
export interface Selection {
  readonly layers: ReadonlySet<string>;
  readonly paths: readonly string[];
  readonly namePattern: string | undefined;
}

export function parseSelection(args: readonly string[]): Selection {
  const names = new Set(['check', ...LAYERS.map(({ name }) => name)]);
  const words = args.filter((arg) => !arg.startsWith('--'));
  const paths = words.filter((word) => !names.has(word)).map((path) => path.replace(/^\.\//, ''));
  const namePattern = args.find((arg) => arg.startsWith('--name='))?.slice('--name='.length);
  return { layers: new Set(words.filter((word) => names.has(word))), paths, namePattern };
}

/** Whether all was asked for; only then does leaving something out count. */
export function isEverything({ layers, paths, namePattern }: Selection): boolean {
  return layers.size === 0 && paths.length === 0 && namePattern === undefined;
}
