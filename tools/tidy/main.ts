/**
 * `tidy`: judges the repository by its own laws.
 *
 *     node tools/tidy/main.ts [--root FOLDER] [PATH...]
 *
 * Without paths all laws look at all files. With paths only the laws that one file alone can break look at those files (the commit hook).
 * Prints one finding a line, as `path:line law: sentence`; exits 1 when there is any.
 */
import { environmentNames } from './laws/environment.ts';
import { fiveWords } from './laws/five-words.ts';
import { invariants } from './laws/invariants.ts';
import { lockFile } from './laws/lock.ts';
import { environmentDoor, purity } from './laws/purity.ts';
import { barrels, defaultExports, headComments, names, noSkippedTests } from './laws/shape.ts';
import { fileLength, folderDepth, functionLength } from './laws/size.ts';
import { machinePaths, registryHosts, spelling } from './laws/words.ts';
import { listFiles, readTree } from './tree.ts';
import type { Finding, Law } from './tree.ts';

export const LAWS: readonly Law[] = [
  headComments,
  defaultExports,
  barrels,
  names,
  noSkippedTests,
  fileLength,
  functionLength,
  folderDepth,
  purity,
  environmentDoor,
  fiveWords,
  spelling,
  machinePaths,
  registryHosts,
  lockFile,
  environmentNames,
  invariants,
];

/** Judges the tree below `root`: by all laws, or, when paths are given, those files by the laws that need one file only. */
export function tidy(root: string, paths?: readonly string[]): { readonly files: number; readonly findings: readonly Finding[] } {
  const tree = readTree(root, paths ?? listFiles(root));
  const laws = LAWS.filter((law) => paths === undefined || law.perFile);
  const findings = laws.flatMap((law) => [...law.judge(tree)]);
  return { files: tree.files.length, findings };
}

function main(args: readonly string[]): number {
  const at = args.indexOf('--root');
  const root = at === -1 ? process.cwd() : (args[at + 1] ?? process.cwd());
  const paths = args.filter((_, index) => at === -1 || (index !== at && index !== at + 1));
  const { files, findings } = tidy(root, paths.length === 0 ? undefined : paths);
  for (const finding of findings) console.log(`${finding.path}:${finding.line} ${finding.law}: ${finding.says}`);
  console.log(`${files} files, ${LAWS.length} laws, ${findings.length} findings`);
  return findings.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
