/**
 * What Prometheus is told of a connection server, in its text format (version 0.0.4). Written out by hand: a dozen numbers need no library.
 */

import type { SessionCounts } from './sessions.ts';

export interface MetricView {
  readonly name: string;
  readonly version: string;
  readonly instance: string;
  readonly counts: SessionCounts;
  readonly capacity: number;
  readonly draining: boolean;
  readonly backendUp: boolean;
  readonly licenseSerial: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** By code. */
  readonly refusals: ReadonlyMap<string, number>;
}

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const PREFIX = 'outrigger_connection_server';

export function metricsText(view: MetricView): string {
  const { counts } = view;
  return [
    family('info', 'gauge', 'Which server this is.', [[labels({ name: view.name, version: view.version, instance: view.instance }), 1]]),
    family('sessions', 'gauge', 'Sessions that exist.', [['', counts.sessions]]),
    family('sessions_connected', 'gauge', 'Sessions that are connected.', [['', counts.connected]]),
    family('capacity', 'gauge', 'Most sessions at a time.', [['', view.capacity]]),
    family('draining', 'gauge', '1: takes no new sessions.', [['', Number(view.draining)]]),
    family('backend_up', 'gauge', '1: the back end took a connection at the last look.', [['', Number(view.backendUp)]]),
    family('license_serial', 'gauge', 'Serial of the license, 0 without one.', [['', view.licenseSerial]]),
    family('sessions_total', 'counter', 'Sessions made.', [['', counts.made]]),
    family('sessions_ended_total', 'counter', 'Sessions ended, by reason.', rows('reason', Object.entries(counts.ended))),
    family('refusals_total', 'counter', 'Requests refused, by code.', rows('code', [...view.refusals])),
    family('bytes_total', 'counter', 'Bytes of sessions, in: to the back end.', [
      [labels({ direction: 'in' }), view.bytesIn],
      [labels({ direction: 'out' }), view.bytesOut],
    ]),
  ].join('');
}

type Row = readonly [labels: string, value: number];

function rows(label: string, entries: readonly (readonly [string, number])[]): Row[] {
  return entries.map(([name, value]) => [labels({ [label]: name }), value]);
}

function family(name: string, type: 'gauge' | 'counter', help: string, values: readonly Row[]): string {
  const full = `${PREFIX}_${name}`;
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${values.map(([text, value]) => `${full}${text} ${value}\n`).join('')}`;
}

function labels(values: Readonly<Record<string, string>>): string {
  const parts = Object.entries(values).map(
    ([name, value]) => `${name}="${value.replace(/["\\\n]/g, (one) => (one === '\n' ? '\\n' : `\\${one}`))}"`,
  );
  return `{${parts.join(',')}}`;
}
