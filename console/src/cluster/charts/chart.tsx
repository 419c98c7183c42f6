/**
 * Curves over time, drawn; and beside them the same as a table, for whoever cannot see the drawing and for whoever wants the numbers.
 */

import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useLayoutEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';
import { factsOf, niceMax, pathsOf, valueText } from './curves.ts';
import type { Curve } from './curves.ts';

const [FIRST_WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP] = [640, 200, 64, 8, 24, 8];
const LINES = 4;
/** Told apart by color and by dashes. */
const STROKES = ['', '6 3', '2 3', '10 4 2 4'] as const;
const COLORS = 4;

export interface ChartProps {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly unit: 'bytes' | 'number';
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export function Chart({ title, curves, unit, startMs, endMs, stepMs }: ChartProps) {
  const max = niceMax(Math.max(0, ...curves.map((curve) => factsOf(curve).highest)), unit === 'bytes');
  const [frame, frameWidth] = useWidth();
  const width = Math.max(1, frameWidth - LEFT - RIGHT);
  const height = HEIGHT - TOP - BOTTOM;
  const box = { width, height, startMs, endMs, max };
  const said = curves.map((curve) => `${curve.name} ${valueText(factsOf(curve).newest, unit)}`).join(', ');
  return (
    <>
      <svg ref={frame} height={HEIGHT} role="img" aria-label={`${title}, now: ${said}`} className="or-chart">
        <g transform={`translate(${LEFT} ${TOP})`}>
          {Array.from({ length: LINES + 1 }, (_, index) => (
            <g key={index} transform={`translate(0 ${(height * index) / LINES})`}>
              <line x2={width} className="or-chart-line" />
              <text x={-8} dy="0.32em" textAnchor="end">
                {valueText((max * (LINES - index)) / LINES, unit)}
              </text>
            </g>
          ))}
          {[0, 0.5, 1].map((share) => (
            <text key={share} x={width * share} y={height + 18} textAnchor={share === 0 ? 'start' : share === 1 ? 'end' : 'middle'}>
              {axisText(startMs + (endMs - startMs) * share, endMs - startMs)}
            </text>
          ))}
          {curves.map(({ name, points }, index) => (
            <path
              key={name}
              d={pathsOf(points, box, stepMs * 1.5)}
              className={`or-curve or-curve-${index % COLORS}`}
              strokeDasharray={STROKES[index % STROKES.length]}
            />
          ))}
        </g>
      </svg>
      <Numbers title={title} curves={curves} unit={unit} />
    </>
  );
}

/** As wide as it is drawn, so that words keep their size on every screen. */
function useWidth(): readonly [frame: RefObject<SVGSVGElement | null>, width: number] {
  const frame = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(FIRST_WIDTH);
  useLayoutEffect(() => {
    const { current } = frame;
    if (current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => entry !== undefined && setWidth(Math.round(entry.contentRect.width)));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return [frame, width];
}

function Numbers({ title, curves, unit }: Pick<ChartProps, 'title' | 'curves' | 'unit'>) {
  return (
    <Table aria-label={`${title}, in numbers`} variant="compact" gridBreakPoint="" borders={false} className="or-numbers">
      <Thead>
        <Tr>
          <Th>Of</Th>
          <Th modifier="nowrap">Now</Th>
          <Th modifier="nowrap">Lowest</Th>
          <Th modifier="nowrap">Highest</Th>
        </Tr>
      </Thead>
      <Tbody>
        {curves.map((curve, index) => {
          const { newest, lowest, highest } = factsOf(curve);
          return (
            <Tr key={curve.name}>
              <Td className="or-break">
                <svg viewBox="0 0 24 8" width="24" height="8" aria-hidden="true" className="or-key">
                  <path
                    d="M0 4 L24 4"
                    className={`or-curve or-curve-${index % COLORS}`}
                    strokeDasharray={STROKES[index % STROKES.length]}
                  />
                </svg>{' '}
                {curve.name}
              </Td>
              {[newest, lowest, highest].map((value, column) => (
                <Td key={column} modifier="nowrap">
                  {valueText(value, unit)}
                </Td>
              ))}
            </Tr>
          );
        })}
      </Tbody>
    </Table>
  );
}

function axisText(ms: number, spanMs: number): string {
  const style = spanMs > 86_400_000 ? ({ dateStyle: 'short' } as const) : ({ timeStyle: 'short', hour12: false } as const);
  return new Date(ms).toLocaleString(undefined, style);
}
