/**
 * What the cluster's monitor measured, as directors keep it: over a time that a person chooses, asked for anew as often as it is measured.
 */

import { Alert, Form, FormGroup, FormSelect, FormSelectOption, Grid, GridItem } from '@patternfly/react-core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Cluster } from '../../../../src/model/cluster.ts';
import { rangePath } from '../../api/paths.ts';
import { call } from '../../api/request.ts';
import { timeText } from '../../shell/moment.ts';
import { Waiting } from '../../shell/waiting.tsx';
import { Part } from '../part.tsx';
import { Chart } from './chart.tsx';
import { curvesOf } from './curves.ts';
import type { RangeAnswer } from './curves.ts';

interface Panel {
  readonly title: string;
  /** docs/reference/metrics.md */
  readonly metric: string;
  readonly kind: 'Gauge' | 'Rate';
  readonly unit: 'bytes' | 'number';
  readonly label: 'node' | 'server';
  /** What it means that there is nothing. */
  readonly nothing?: string;
}

const PANELS: readonly Panel[] = [
  {
    title: 'Processors in use by the node',
    metric: 'outrigger_node_process_cpu_seconds_total',
    kind: 'Rate',
    unit: 'number',
    label: 'node',
  },
  { title: "Memory of the node's processes", metric: 'outrigger_node_process_memory_bytes', kind: 'Gauge', unit: 'bytes', label: 'node' },
  { title: 'Load of the machine', metric: 'outrigger_node_machine_load1', kind: 'Gauge', unit: 'number', label: 'node' },
  { title: 'New connections a second', metric: 'outrigger_node_balancer_accepted_total', kind: 'Rate', unit: 'number', label: 'node' },
  {
    title: 'Connections a second that reached no instance',
    metric: 'outrigger_node_balancer_failed_total',
    kind: 'Rate',
    unit: 'number',
    label: 'node',
  },
  {
    title: 'Sessions of connection servers',
    metric: 'outrigger_connection_server_sessions',
    kind: 'Gauge',
    unit: 'number',
    label: 'server',
    nothing: 'No connection server has told anything in this time; a cluster without a site has none.',
  },
];

/** Seconds, and the step in which they are asked for. */
const SPANS = [
  [900, 15, '15 minutes'],
  [3_600, 60, 'hour'],
  [21_600, 300, '6 hours'],
  [86_400, 900, 'day'],
  [604_800, 7_200, '7 days'],
] as const;

/** The monitor measures every 15 s. */
const AGAIN_MS = 15_000;

export function ChartsTab({ cluster }: { readonly cluster: Cluster }) {
  const [seconds, setSeconds] = useState<number>(SPANS[0][0]);
  const span = SPANS.find(([length]) => length === seconds) ?? SPANS[0];
  return (
    <>
      <Form className="or-filters or-gap">
        <FormGroup label="The last" fieldId="chart-span">
          <FormSelect id="chart-span" value={seconds} onChange={(_event, value) => setSeconds(Number(value))}>
            {SPANS.map(([length, , words]) => (
              <FormSelectOption key={length} value={length} label={words} />
            ))}
          </FormSelect>
        </FormGroup>
      </Form>
      <Grid hasGutter>
        {PANELS.map((panel) => (
          <GridItem key={panel.metric} xl={6} xl2={4}>
            <Part title={panel.title}>
              <OnePanel cluster={cluster} panel={panel} seconds={span[0]} step={span[1]} />
            </Part>
          </GridItem>
        ))}
      </Grid>
    </>
  );
}

interface OnePanelProps {
  readonly cluster: Cluster;
  readonly panel: Panel;
  readonly seconds: number;
  readonly step: number;
}

function OnePanel({ cluster: { metadata }, panel, seconds, step }: OnePanelProps) {
  const { namespace = '', name } = metadata;
  const { metric, title, label, kind, unit, nothing } = panel;
  const { data, error, dataUpdatedAt } = useQuery({
    queryKey: ['range', namespace, name, metric, seconds],
    refetchInterval: AGAIN_MS,
    placeholderData: keepPreviousData,
    retry: 1,
    queryFn: async () => {
      // On whole steps, so that the same moments are asked for again.
      const end = Math.floor(Date.now() / 1_000 / step) * step;
      const answer = await call<RangeAnswer>('GET', rangePath({ namespace, cluster: name, metric, start: end - seconds, end, step }));
      return { curves: curvesOf(answer, label, kind), startMs: (end - seconds) * 1_000, endMs: end * 1_000 };
    },
  });
  return (
    <>
      {error !== null && (
        <Alert
          component="p"
          isInline
          variant="warning"
          title={data === undefined ? 'It cannot be shown' : `What you see is from ${timeText(dataUpdatedAt)}`}
          className="or-gap"
        >
          {error.message}
        </Alert>
      )}
      {data === undefined && error === null && <Waiting what={title} />}
      {data?.curves.length === 0 && (
        <p className="or-quiet">
          {nothing ?? 'Nothing has come from its monitor in this time. It measures every 15 s, and ships what it has.'}
        </p>
      )}
      {data !== undefined && data.curves.length > 0 && <Chart title={title} unit={unit} stepMs={step * 1_000} {...data} />}
    </>
  );
}
