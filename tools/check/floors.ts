/**
 * Floors and doors: who imports whom, judged by dependency-cruiser with the rules of .dependency-cruiser.cjs, and one door per package.
 *
 * I1: dependency-cruiser cannot use TypeScript 7 and then reads no TypeScript at all, without a word. TypeScript 6 is put in its way here,
 *     and the number of modules it read is held against what git lists: too few is a failure.
 * I2: each npm package is imported below src in one file or one folder only. console, tests, tools, bench and sim are exempt.
 *
 *     node tools/check/floors.ts [--root FOLDER]
 */
import { registerHooks } from 'node:module';
import { posix } from 'node:path';
import { isCodePath, listFiles } from '../tidy/tree.ts';
import type { ICruiseResult, IModule } from 'dependency-cruiser';

const CRUISED = /^(?:src|sim|bench|tests|tools|examples|bin|console)\//;
const PACKAGE = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/;

async function cruiseTree(paths: readonly string[]): Promise<ICruiseResult> {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const isTypescript = specifier === 'typescript' || specifier.startsWith('typescript/');
      return nextResolve(isTypescript ? specifier.replace('typescript', 'typescript-6') : specifier, context);
    },
  });
  const { cruise } = await import('dependency-cruiser');
  const { default: extractOptions } = await import('dependency-cruiser/config-utl/extract-depcruise-options');
  const { default: extractTsConfig } = await import('dependency-cruiser/config-utl/extract-ts-config');
  const options = await extractOptions('./.dependency-cruiser.cjs');
  const result = await cruise([...paths], options, undefined, { tsConfig: extractTsConfig('tsconfig.json') });
  if (typeof result.output === 'string') throw new Error('dependency-cruiser answered with text where a result was asked for');
  return result.output;
}

/** I2: names each package that is imported in more than one folder below src. */
function doorsOf(modules: readonly IModule[]): string[] {
  const folders = new Map<string, Set<string>>();
  for (const module of modules.filter((one) => one.source.startsWith('src/'))) {
    for (const dependency of module.dependencies) {
      const name = PACKAGE.exec(dependency.resolved)?.[1]?.replace(/^@types\//, '');
      if (name === undefined) continue;
      folders.set(name, (folders.get(name) ?? new Set<string>()).add(module.source));
    }
  }
  return [...folders]
    .filter(([name, sources]) => name !== 'node' && new Set([...sources].map((source) => posix.dirname(source))).size > 1)
    .map(([name, sources]) => `one-door: ${name} is imported in ${[...sources].sort().join(', ')}; keep it to one file or folder`);
}

async function main(root: string): Promise<number> {
  process.chdir(root);
  const listed = listFiles(root).filter((path) => CRUISED.test(path) && isCodePath(path));
  const { modules, summary } = await cruiseTree(listed);
  const read = new Set(modules.map((module) => module.source));
  const unread = listed.filter((path) => !read.has(path));
  for (const path of unread) console.log(`unread: ${path} was not read by dependency-cruiser`);
  const broken = summary.violations.filter((violation) => violation.rule.severity === 'error');
  for (const { rule, from, to, cycle } of broken) {
    const way = cycle === undefined ? to : cycle.map((step) => step.name).join(' -> ');
    console.log(`${rule.name}: ${from} -> ${way}`);
  }
  const doors = doorsOf(modules);
  for (const door of doors) console.log(door);
  const edges = modules.reduce((sum, module) => sum + module.dependencies.length, 0);
  console.log(`${listed.length - unread.length} of ${listed.length} modules, ${edges} imports, ${broken.length + doors.length} violations`);
  return broken.length + doors.length + unread.length === 0 && (edges > 0 || listed.length < 2) ? 0 : 1;
}

const at = process.argv.indexOf('--root');
process.exitCode = await main(at === -1 ? process.cwd() : (process.argv[at + 1] ?? process.cwd()));
