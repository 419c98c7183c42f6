/**
 * The state × event table of the license machine is the one that the specification prints.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { LICENSE_TABLE } from '../../../src/decide/license-table.ts';
import type { LicenseCell, LicenseEvent } from '../../../src/decide/license-table.ts';
import { LICENSE_STATES } from '../../../src/model/license-statement.ts';
import type { LicenseState } from '../../../src/model/license-statement.ts';

const PAGE = join(import.meta.dirname, '../../../docs/internals/universal-license.md');

function textOf(state: LicenseState, cell: LicenseCell): string {
  if (cell.to.length === LICENSE_STATES.length) return 'any';
  if (cell.to.length === 1 && cell.to[0] === state) return 'stays';
  return cell.to.join(', ');
}

function rows(): string[] {
  const table: Record<LicenseState, Record<LicenseEvent['kind'], LicenseCell>> = LICENSE_TABLE;
  const kinds = Object.keys(table.Inactive) as LicenseEvent['kind'][];
  return kinds
    .sort()
    .map(
      (kind) => `| ${[kind, table.Inactive[kind].does, ...LICENSE_STATES.map((state) => textOf(state, table[state][kind]))].join(' | ')} |`,
    );
}

describe('the specification of the universal license', () => {
  it('prints the table that the code obeys', () => {
    const lines = readFileSync(PAGE, 'utf8').split('\n');
    const from = lines.findIndex((line) => line.startsWith('| event | does |'));
    const end = lines.findIndex((line, at) => at > from && line === '');
    assert.deepEqual(lines.slice(from + 2, end), rows());
  });

  it('L5, L8: knows only TimePassed, SyncSucceeded and PeerRecord to lead anywhere', () => {
    for (const state of LICENSE_STATES)
      for (const [kind, cell] of Object.entries(LICENSE_TABLE[state]))
        if (!['TimePassed', 'SyncSucceeded', 'PeerRecord'].includes(kind)) assert.deepEqual(cell.to, [state], `${kind} in ${state}`);
  });

  it('L8: lets no time lead out of Expired', () => {
    assert.deepEqual(LICENSE_TABLE.Expired.TimePassed.to, ['Expired']);
  });
});
