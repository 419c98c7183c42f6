/**
 * Writes deploy/systemd: the units of all parts, as `outrigger install` writes them on a machine where `npm install -g outrigger` put the program.
 *
 * `node tools/generate/units.ts` writes; a test fails when what is there differs from what would be written.
 */

import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { roleCommand } from '../../src/cli/install/plan.ts';
import { unitText } from '../../src/cli/install/unit.ts';
import { SERVICE_ROLES, servicePlaces } from '../../src/model/service-role.ts';

export const UNITS_FOLDER = resolve(import.meta.dirname, '../../deploy/systemd');
const PROGRAM = '/usr/bin/outrigger';

/** File name to text. */
export function deployedUnits(program: readonly string[] = [PROGRAM]): Readonly<Record<string, string>> {
  return Object.fromEntries(SERVICE_ROLES.map((role) => [servicePlaces(role).unit, unitText(role, [...program, ...roleCommand(role)])]));
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(deployedUnits())) writeFileSync(join(UNITS_FOLDER, name), text);
}
