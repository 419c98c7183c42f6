/** The pages of docs/reference that are made from the code say what the code says now. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '../../src/model/fault.ts';
import { KINDS } from '../../src/model/kinds.ts';
import { SETTING_NAMES, flagOf } from '../../src/model/settings.ts';
import { referencePages } from '../../tools/generate/reference.ts';

const pages = await referencePages();

for (const { file, text } of pages)
  test(`${basename(file)} is as it would be written now`, () => {
    assert.equal(readFileSync(file, 'utf8'), text, 'run node tools/generate/reference.ts');
  });

test('every kind, setting and fault is there, and every line of a table has as many cells as its head', () => {
  const textOf = (name: string): string => pages.find(({ file }) => basename(file) === name)?.text ?? '';
  for (const { kind } of KINDS) assert.ok(textOf('kinds.md').includes(`\n## ${kind}\n`), kind);
  for (const name of SETTING_NAMES) assert.ok(textOf('settings.md').includes(`\`${flagOf(name)}\``), name);
  for (const code of Object.keys(FAULTS)) assert.ok(textOf('faults.md').includes(`\`${code}\``), code);
  for (const { file, text } of pages)
    for (const block of text.split('\n\n').filter((one) => one.startsWith('| '))) {
      const cells = block
        .trim()
        .split('\n')
        .map((line) => line.replaceAll('\\|', '').split('|').length);
      assert.deepEqual(new Set(cells).size, 1, `${file}:\n${block.slice(0, 200)}`);
    }
});
