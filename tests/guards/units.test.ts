/**
 * The units of all parts, judged by systemd itself: nothing to say against them, and little that they leave open.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { programCommand } from '../../src/platform/program.ts';
import { UNITS_FOLDER, deployedUnits } from '../../tools/generate/units.ts';

/** Of 10; what is below 3 is called OK by systemd, most services of a distribution stand above 9. */
const EXPOSURE_MAX = 3;
const folder = mkdtempSync(join(tmpdir(), 'units-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Output and standard error together: an unknown key is only warned of. */
function analyze(name: string, text: string, ...verb: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  const { stdout, stderr, error } = spawnSync('systemd-analyze', [...verb, path], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
  });
  assert.equal(error, undefined, 'systemd-analyze is there (tools/setup/apt.txt)');
  return `${stdout}${stderr}`;
}

function exposure(name: string, text: string): number {
  const said = analyze(name, text, 'security', '--offline=true', '--no-pager');
  return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
}

describe('units', () => {
  const units = Object.entries(deployedUnits(programCommand([])));

  test('deploy/systemd holds what would be written', () => {
    for (const [name, text] of Object.entries(deployedUnits()))
      assert.equal(readFileSync(join(UNITS_FOLDER, name), 'utf8'), text, `run node tools/generate/units.ts (${name})`);
  });

  for (const [name, text] of units) {
    test(`${name}: systemd-analyze verify has nothing to say`, () => {
      assert.equal(analyze(name, text, 'verify'), '');
    });

    test(`${name}: exposed by ${EXPOSURE_MAX} at most`, () => {
      const found = exposure(name, text);
      assert.ok(found <= EXPOSURE_MAX, `${name} is exposed by ${found}`);
      process.stdout.write(`# ${name}: exposure ${found}\n`);
    });
  }

  test('both tools bite', () => {
    const [, text = ''] = units[0] ?? [];
    assert.match(analyze('canary-outrigger.service', text.replace('ProtectHome=yes', 'ProtectHouse=yes'), 'verify'), /ProtectHouse/);
    assert.ok(
      exposure('canary-outrigger.service', text.replaceAll(/^(Protect|Private|Restrict|SystemCall|Capab|NoNew|User).*$/gm, '')) > 6,
    );
  });
});
