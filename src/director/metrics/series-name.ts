/**
 * Texts of series as a director handles them, once they were checked (src/decide/metric-shipment.ts).
 */

/** `name` of `name{label="value"}`. */
export function seriesNameOf(series: string): string {
  const brace = series.indexOf('{');
  return brace < 0 ? series : series.slice(0, brace);
}

/** `series` with labels before its own; `labels` as they stand between the braces. */
export function withLabels(series: string, labels: string): string {
  const name = seriesNameOf(series);
  const rest = series.slice(name.length + 1);
  return rest === '' ? `${name}{${labels}}` : `${name}{${labels},${rest}`;
}
