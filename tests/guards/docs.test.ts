/**
 * What the pages say must be so: links lead somewhere, and every call of `outrigger` in pages and in `--help` is one that the program takes. That the
 * commands do what the pages say is another matter (tests/integration/docs.test.ts runs them).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Command } from 'commander';
import type { CommandTree } from '../../src/cli/completion/tree.ts';
import { commandTree } from '../../src/main/command-tree.ts';
import { wholeProgram } from '../../src/main/verbs.ts';
import { RUN_PAGES, anchorsIn, callsIn, fencesIn, inlineCodeIn, linksIn, problemOf, ruleOf, scriptOf } from '../support/docs.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGES = ['README.md', 'ARCHITECTURE.md', 'STYLE.md', 'CONTRIBUTING.md', ...pagesBelow('docs')];

let program: Command;
let tree: CommandTree;
before(async () => {
  program = await wholeProgram();
  tree = commandTree(program);
});

function pagesBelow(folder: string): readonly string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

test('every link of every page leads to a file and a heading that are there', () => {
  assert.ok(PAGES.length > 40, `${PAGES.length} pages are looked at`);
  const broken = PAGES.flatMap((page) =>
    linksIn(textOf(page)).flatMap(({ line, target }) => {
      const [path = '', anchor] = target.split('#', 2);
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, file))) return [`${page}:${line}: there is no ${file}`];
      const isThere = anchor === undefined || anchorsIn(textOf(file)).has(anchor);
      return isThere ? [] : [`${page}:${line}: ${file} has no heading #${anchor}`];
    }),
  );
  assert.deepEqual(broken, []);
});

test('every call of outrigger in a page is one that the program takes', () => {
  let calls = 0;
  const wrong = PAGES.flatMap((page) => {
    const text = textOf(page);
    const whole = fencesIn(text).flatMap(({ line, body, info }) =>
      /^(sh|console|)\b/.test(info) ? callsIn(body).map((call) => ({ at: `${page}:${line}`, call, isWhole: true })) : [],
    );
    const parts = inlineCodeIn(text)
      .filter((code) => /^outrigger [a-z-]/.test(code))
      .flatMap((code) => callsIn(code))
      .map((call) => ({ at: page, call, isWhole: false }));
    calls += whole.length + parts.length;
    return [...whole, ...parts].flatMap(({ at, call, isWhole }) => {
      const problem = problemOf(tree, call, isWhole);
      return problem === undefined ? [] : [`${at}: outrigger ${call.join(' ')}: ${problem}`];
    });
  });
  assert.deepEqual(wrong, []);
  assert.ok(calls > 80, `${calls} calls were looked at`);
});

test('no command of the pages that are run escapes: each stands in a shell block with a rule', () => {
  const guided = PAGES.filter((page) => /^docs\/(start|concepts|operating)/.test(page));
  assert.deepEqual(
    guided.filter((page) => !RUN_PAGES.includes(page)),
    [],
  );
  for (const page of RUN_PAGES)
    for (const { info, body, line } of fencesIn(textOf(page)))
      if (ruleOf(info) === undefined)
        assert.doesNotMatch(body, /^\s*(?:outrigger|kubectl|npm|node|curl|kill) [a-z$-]/m, `${page}:${line} is run by nobody`);
});

test('what is said to be run on another page is run there', () => {
  const run = RUN_PAGES.map((page) => scriptOf(textOf(page))).join('');
  for (const page of RUN_PAGES)
    for (const { info, body, line } of fencesIn(textOf(page))) {
      const rule = ruleOf(info);
      const missing =
        rule?.run === false && rule.isAgain
          ? body
              .trim()
              .split('\n')
              .filter((one) => !run.includes(`${one}\n`))
          : [];
      assert.deepEqual(missing, [], `${page}:${line}`);
    }
});

test('every example of --help is a call that the program takes', () => {
  let examples = 0;
  const wrong = commandsOf(program).flatMap((command) => {
    const calls = callsIn(helpOf(command).split('\nExamples:\n')[1] ?? '');
    examples += calls.length;
    return calls.flatMap((call) => problemOf(tree, call, true) ?? []);
  });
  assert.deepEqual(wrong, []);
  assert.ok(examples > 60, `${examples} examples were looked at`);
});

function commandsOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(commandsOf)];
}

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  return help;
}

describe('the guard bites', () => {
  const problems = (shell: string): readonly (string | undefined)[] => callsIn(shell).map((call) => problemOf(tree, call, true));

  test('on verbs, options, values and arguments that there are not', () => {
    assert.deepEqual(problems('outrigger cluster crate pier'), ['outrigger cluster has no verb crate']);
    assert.deepEqual(problems('outrigger cluster create pier --relaese 1'), ['outrigger cluster create has no option --relaese']);
    assert.deepEqual(problems('outrigger cluster list -o xml'), ['outrigger cluster list -o takes json, yaml, not xml']);
    assert.deepEqual(problems('outrigger cluster create'), ['outrigger cluster create needs 1 arguments, not 0']);
    assert.deepEqual(problems('outrigger cluster delete a b'), ['outrigger cluster delete takes 1 arguments, not 2']);
    assert.deepEqual(problems('outrigger cluster list -n'), ['outrigger cluster list -n needs a value']);
  });

  test('within pipes, substitutions, continuations and other spellings of the program', () => {
    const shell =
      'echo $(outrigger nope) | cat\nX=1 node bin/outrigger.mjs nope # outrigger fine\noutrigger \\\n  nope && npm start -- --nope\n"outrigger" status';
    assert.deepEqual(
      problems(shell).map((problem) => problem !== undefined),
      [true, true, true, true, false],
    );
  });

  test('on blocks that nobody runs, and a script stops where a command fails', () => {
    assert.deepEqual(['sh', 'sh may=1,3', 'sh elsewhere', 'yaml', ''].map(ruleOf), [
      { run: true, mayEndWith: [] },
      { run: true, mayEndWith: [1, 3] },
      { run: false, isAgain: false },
      undefined,
      undefined,
    ]);
    assert.throws(() => ruleOf('sh sometimes'));
    const page = ['```sh', 'true', '```', '```sh may=3', 'exit 3', '```', '```sh elsewhere', 'false', '```', '```sh', 'false', '```'].join(
      '\n',
    );
    const done = spawnSync('bash', ['-c', scriptOf(page)], { encoding: 'utf8' });
    assert.deepEqual([done.status, done.stdout], [1, '@@ 2\n@@ 5\n@@ 11\n']);
    const other = spawnSync('bash', ['-c', scriptOf(page.replace('exit 3', 'exit 2'))], { encoding: 'utf8' });
    assert.deepEqual([other.status, other.stdout], [2, '@@ 2\n@@ 5\n']);
  });

  test('on links and headings', () => {
    const page = '# One `two` (three)\n[a](b.md#c) `[no](x.md)` [d](https://e)\n```\n[no](y.md)\n```\n';
    assert.deepEqual(linksIn(page), [{ line: 2, target: 'b.md#c' }]);
    assert.deepEqual([...anchorsIn(page)], ['one-two-three']);
  });
});
