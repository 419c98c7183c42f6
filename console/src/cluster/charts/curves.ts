/**
 * What a director says of a metric over time (Prometheus' matrix), as curves to draw: one a node, of sums or of rates. Pure.
 *
 * I1: a counter that begins anew (its process was started again) counts from nothing, never backwards.
 * I2: where a series has no sample, its curve has no point; nothing is guessed between.
 */

export interface RangeAnswer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [seconds: number, value: string])[];
    }[];
  };
}

export type Point = readonly [atMs: number, value: number];

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
}

/** `label`: what tells the curves apart. `Rate`: per second, of counters. */
export function curvesOf({ data: { result } }: RangeAnswer, label: string, kind: 'Gauge' | 'Rate'): readonly Curve[] {
  const sums = new Map<string, Map<number, number>>();
  for (const { metric, values } of result) {
    const name = metric[label] ?? '';
    const sum = sums.get(name) ?? new Map<number, number>();
    sums.set(name, sum);
    const points = values.map(([seconds, value]): Point => [seconds * 1_000, Number(value)]);
    for (const [atMs, value] of kind === 'Rate' ? rates(points) : points) sum.set(atMs, (sum.get(atMs) ?? 0) + value);
  }
  return [...sums]
    .map(([name, sum]) => ({ name, points: [...sum].toSorted(([a], [b]) => a - b) }))
    .filter(({ points }) => points.length > 0)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function rates(points: readonly Point[]): readonly Point[] {
  return points.slice(1).map(([atMs, value], index): Point => {
    const [beforeMs, before] = points[index] ?? [atMs, value];
    const grown = value >= before ? value - before : value;
    return [atMs, grown / Math.max(0.001, (atMs - beforeMs) / 1_000)];
  });
}

export interface CurveFacts {
  readonly newest: number;
  readonly lowest: number;
  readonly highest: number;
}

export function factsOf({ points }: Curve): CurveFacts {
  const values = points.map(([, value]) => value);
  return {
    newest: values.at(-1) ?? 0,
    lowest: Math.min(...values),
    highest: Math.max(...values),
  };
}

/** The least of 1, 2, 5 times a power of ten that holds `value`; of bytes, of a power of two. */
export function niceMax(value: number, isBytes: boolean): number {
  if (!(value > 0)) return 1;
  if (isBytes) return 2 ** Math.ceil(Math.log2(value));
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

/** Runs of points with no more than `gapMs` between them, as paths of SVG in a box of `width` by `height`. */
export function pathsOf(
  points: readonly Point[],
  box: { width: number; height: number; startMs: number; endMs: number; max: number },
  gapMs: number,
): string {
  let lastMs = Number.NEGATIVE_INFINITY;
  return points
    .map(([atMs, value]) => {
      const x = ((atMs - box.startMs) / (box.endMs - box.startMs)) * box.width;
      const y = box.height - (Math.min(value, box.max) / box.max) * box.height;
      const step = atMs - lastMs > gapMs ? 'M' : 'L';
      lastMs = atMs;
      return `${step}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join(' ');
}

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function valueText(value: number, unit: 'bytes' | 'number'): string {
  if (unit === 'number') return value.toLocaleString('en', { maximumSignificantDigits: 3 });
  const power = value < 1 ? 0 : Math.min(BINARY.length - 1, Math.floor(Math.log2(value) / 10));
  return `${(value / 2 ** (10 * power)).toLocaleString('en', { maximumSignificantDigits: 3 })} ${BINARY[power] ?? 'B'}`;
}
