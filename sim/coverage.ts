/**
 * Coverage: how often each effect was met by each fault while its call was on the way.
 *
 * A simulator that never lets a crash fall between a deletion and its answer proves nothing about it; so the table has a floor.
 */

export const FAULT_NAMES = ['lostRequest', 'lostAnswer', 'late', 'stall', 'conflict', 'lag', 'crash', 'pause'] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

/** Effect → fault → count; `calls` counts all. */
export type CoverageTable = Record<string, Record<string, number>>;

export interface Coverage {
  note(what: string, hits: Iterable<string>): void;
  table(): CoverageTable;
}

export function createCoverage(): Coverage {
  const table: CoverageTable = {};
  return {
    note: (what, hits) => {
      const row = (table[what] ??= {});
      row['calls'] = (row['calls'] ?? 0) + 1;
      for (const hit of hits) row[hit] = (row[hit] ?? 0) + 1;
    },
    table: () => table,
  };
}

/** `into` with `more` added. */
export function addCoverage(into: CoverageTable, more: CoverageTable): CoverageTable {
  for (const [what, counts] of Object.entries(more)) {
    const row = (into[what] ??= {});
    for (const [fault, count] of Object.entries(counts)) row[fault] = (row[fault] ?? 0) + count;
  }
  return into;
}

/** The table as text, effects down, faults across. */
export function renderCoverage(table: CoverageTable): string {
  const columns = ['calls', ...FAULT_NAMES];
  const width = Math.max(...Object.keys(table).map((what) => what.length), 6) + 2;
  const rows = Object.keys(table)
    .sort()
    .map((what) => what.padEnd(width) + columns.map((column) => String(table[what]?.[column] ?? 0).padStart(12)).join(''));
  return [''.padEnd(width) + columns.map((column) => column.padStart(12)).join(''), ...rows].join('\n');
}

/**
 * What is thinner than the floor: pairs of effect and fault seen less than `floor` times. Of `expected` each effect is looked at;
 * pairs that cannot meet are named in `impossible` as `effect/fault`.
 */
export function belowFloor(table: CoverageTable, expected: readonly string[], impossible: ReadonlySet<string>, floor: number): string[] {
  return expected.flatMap((what) =>
    FAULT_NAMES.filter((fault) => !impossible.has(`${what}/${fault}`) && (table[what]?.[fault] ?? 0) < floor).map(
      (fault) => `${what} met ${fault} ${table[what]?.[fault] ?? 0} times, floor ${floor}`,
    ),
  );
}
