/** Shell completion: the bash script is loaded by a real bash and asked; those of zsh and fish hold the same words. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { SHELLS, completionScript } from '../../../src/cli/completion/scripts.ts';
import { spotsOf, wordsAt } from '../../../src/cli/completion/tree.ts';
import type { CommandTree } from '../../../src/cli/completion/tree.ts';
import { commandTree } from '../../../src/main/command-tree.ts';
import { ownWords } from '../../../src/main/kubectl.ts';
import { VERBS, wholeProgram } from '../../../src/main/verbs.ts';

let tree: CommandTree;
before(async () => (tree = commandTree(await wholeProgram())));

/** What a real bash offers after each of these lines; the last word is the one that is being typed. */
function offered(lines: readonly string[]): readonly (readonly string[])[] {
  const asks = lines.map((line) => {
    const words = line.split(' ');
    return `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; COMPREPLY=(); _outrigger; echo "\${COMPREPLY[*]}"`;
  });
  const done = spawnSync('bash', ['--norc', '-s'], { input: [completionScript('bash', tree), ...asks].join('\n'), encoding: 'utf8' });
  assert.equal(done.stderr, '');
  return done.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' ').filter((word) => word !== ''));
}

describe('bash', () => {
  test('I1: verbs, verbs of verbs, options and their words', () => {
    const [verbs, some, deeper, options, words, format] = offered([
      'outrigger ',
      'outrigger clu',
      'outrigger cluster cr',
      'outrigger cluster create pier --re',
      'outrigger cluster list -o ',
      'outrigger cluster list -o y',
    ]);
    for (const { name } of VERBS) assert.ok(verbs?.includes(name), name);
    assert.deepEqual([some, deeper, options, words, format], [['cluster'], ['create'], ['--release'], ['json', 'yaml'], ['yaml']]);
  });

  test('I2: the value of an option is no verb, and nothing is offered for it', () => {
    const [within, value] = offered(['outrigger host --host-name list --lease', 'outrigger cluster create pier -n ']);
    assert.deepEqual([within, value], [['--lease-renew'], []]);
  });
});

test('I1: every verb and option stands in every script', () => {
  for (const shell of SHELLS) {
    const script = completionScript(shell, tree);
    for (const { command } of spotsOf(tree))
      for (const word of wordsAt(command)) {
        const shown = shell === 'fish' ? word.replace(/^--?/, '') : word;
        assert.ok(script.includes(shown), `${shell}: ${word}`);
      }
  }
});

test('each verb says in the table what it says of itself', () => {
  assert.deepEqual(
    tree.commands.map(({ name }) => name),
    VERBS.map(({ name }) => name),
  );
  for (const { path, command } of spotsOf(tree)) assert.ok(command.summary.length > 5, `${path} has a summary`);
});

test('of what follows kubectl only --data before everything else is ours', () => {
  assert.deepEqual(ownWords(['get', 'clusters', '--data', 'x']), { data: undefined, words: ['get', 'clusters', '--data', 'x'] });
  assert.deepEqual(ownWords(['--data', 'x', 'get']), { data: 'x', words: ['get'] });
  assert.deepEqual(ownWords(['--data=x', 'get']), { data: 'x', words: ['get'] });
});
