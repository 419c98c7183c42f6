/**
 * Every metric that Outrigger's own parts tell of: name, type, labels, what it means. docs/reference/metrics.md is made from it, and tests hold what is
 * really told against it.
 */

import type { MetricType } from './metric.ts';

/** Where it is told: a node's peer port, the monitor's own words, a connection server, a director's or an extension server's /metrics. */
export type MetricSource = 'node' | 'monitor' | 'connectionServer' | 'director' | 'extension';

export interface MetricRow {
  readonly name: string;
  readonly source: MetricSource;
  readonly type: MetricType;
  /** Besides those that the monitor and the director add. */
  readonly labels: readonly string[];
  /** A phrase; the unit stands in the name. */
  readonly help: string;
}

function rows(source: MetricSource, all: readonly (readonly [string, MetricType, readonly string[], string])[]): MetricRow[] {
  return all.map(([name, type, labels, help]) => ({ name, source, type, labels, help }));
}

export const METRICS: readonly MetricRow[] = [
  ...rows('node', [
    ['outrigger_node_info', 'gauge', ['version', 'release', 'role'], '1: what this node runs'],
    ['outrigger_node_uptime_seconds', 'gauge', [], 'Time since the machine was started'],
    ['outrigger_node_pods', 'gauge', ['phase'], 'Pods, by phase of their service'],
    ['outrigger_node_service_ready', 'gauge', ['service'], '1 while the instance on this node is ready'],
    ['outrigger_node_service_restarts_total', 'counter', ['service'], 'How often the instance on this node was started again'],
    ['outrigger_node_process_count', 'gauge', ['role', 'service'], "The node's processes; service is empty but for pods"],
    ['outrigger_node_process_cpu_seconds_total', 'counter', ['role', 'service'], 'Processor time of those processes that live now'],
    ['outrigger_node_process_memory_bytes', 'gauge', ['role', 'service'], 'Memory of those processes in RAM, shared pages counted whole'],
    ['outrigger_node_machine_cpu_seconds_total', 'counter', ['mode'], 'Processor time of the machine since it was started'],
    ['outrigger_node_machine_load1', 'gauge', [], 'Load of the machine, average of a minute'],
    ['outrigger_node_machine_memory_bytes', 'gauge', [], 'Memory of the machine'],
    ['outrigger_node_machine_memory_available_bytes', 'gauge', [], 'Memory that new processes could have'],
    ['outrigger_node_disk_bytes', 'gauge', [], "Size of the disk that holds the node's folder"],
    ['outrigger_node_disk_free_bytes', 'gauge', [], 'What is free of it'],
    ['outrigger_node_balancer_up', 'gauge', [], '1 while the balancer runs and listens everywhere'],
    ['outrigger_node_balancer_connections', 'gauge', ['service'], 'Connections that are open'],
    ['outrigger_node_balancer_accepted_total', 'counter', ['service'], 'Connections taken'],
    ['outrigger_node_balancer_refused_total', 'counter', ['service'], 'Connections turned away because there were too many'],
    ['outrigger_node_balancer_failed_total', 'counter', ['service'], 'Connections given up because no instance could be reached'],
    ['outrigger_node_balancer_retries_total', 'counter', ['service'], 'Connections and requests that were given to another instance'],
    ['outrigger_node_balancer_ejected', 'gauge', ['service'], 'Instances that refused a connection and have not come back'],
    [
      'outrigger_node_balancer_ejections_total',
      'counter',
      ['service'],
      'How often an instance was left out because it refused a connection',
    ],
    ['outrigger_node_balancer_readmissions_total', 'counter', ['service'], 'How often one was taken back'],
    ['outrigger_node_balancer_bytes_total', 'counter', ['service', 'direction'], 'Bytes carried: in, from clients, and out, to them'],
    [
      'outrigger_node_balancer_instance_connections',
      'gauge',
      ['service', 'instance'],
      'Connections that an instance has from this balancer',
    ],
    ['outrigger_node_tunnel_up', 'gauge', [], '1 while this node has its tunnel to a director'],
    ['outrigger_node_peer_heard', 'gauge', ['node'], '1 while this node hears that member of its cluster'],
    ['outrigger_node_peer_silence_seconds', 'gauge', ['node'], 'Seconds since that member was heard, while this node itself ran'],
    ['outrigger_node_license_state', 'gauge', ['state'], "1 for the state of the site's license"],
    ['outrigger_node_license_left_days', 'gauge', [], 'Days until what people are warned of: the end of the contract, or of the grace'],
    ['outrigger_node_license_refuses_sessions', 'gauge', [], '1 while new sessions are refused'],
  ]),
  ...rows('monitor', [
    ['outrigger_target_up', 'gauge', [], '1: the target answered the scrape of this round'],
    ['outrigger_target_scrape_seconds', 'gauge', [], 'How long that took'],
    ['outrigger_target_samples', 'gauge', [], 'Samples that were taken of its answer'],
    ['outrigger_target_dropped_samples', 'gauge', [], 'Lines that could not be read, and samples beyond the bounds'],
    ['outrigger_monitor_backlog_rounds', 'gauge', [], 'Rounds at the site that no director has acknowledged'],
    ['outrigger_monitor_stored_bytes', 'gauge', [], "What the site's samples take on disk"],
  ]),
  ...rows('connectionServer', [
    ['outrigger_connection_server_info', 'gauge', ['name', 'version', 'instance'], '1: which one it is, in which life'],
    ['outrigger_connection_server_sessions', 'gauge', [], 'Sessions that exist'],
    ['outrigger_connection_server_sessions_connected', 'gauge', [], 'Of them, connected'],
    ['outrigger_connection_server_capacity', 'gauge', [], 'Most sessions at a time'],
    ['outrigger_connection_server_draining', 'gauge', [], '1 while it takes no new sessions'],
    ['outrigger_connection_server_backend_up', 'gauge', [], '1: the back end took a connection at the last look'],
    ['outrigger_connection_server_sessions_total', 'counter', [], 'Sessions made'],
    [
      'outrigger_connection_server_sessions_ended_total',
      'counter',
      ['reason'],
      'Sessions ended: Closed, Deleted, Idle, NotConnected, Stopped',
    ],
    ['outrigger_connection_server_refusals_total', 'counter', ['code'], 'Refusals'],
    ['outrigger_connection_server_bytes_total', 'counter', ['direction'], 'Bytes carried: in, from clients to the back end, and out'],
    ['outrigger_connection_server_license_serial', 'gauge', [], 'Serial of its license, 0 without one'],
  ]),
  ...rows('director', [
    ['outrigger_requests_total', 'counter', ['verb', 'code'], 'Requests answered, by verb and HTTP status'],
    ['outrigger_request_duration_seconds', 'histogram', ['verb'], 'Time from a request to its answer'],
    ['outrigger_watches', 'gauge', [], 'Watches that are open'],
    ['outrigger_connections', 'gauge', [], 'Connections that are open'],
    ['outrigger_tunnels', 'gauge', [], 'Tunnels of nodes that are open here'],
    ['outrigger_spans_dropped_total', 'counter', [], 'Spans of traces that no collector took'],
    ['outrigger_store_revision', 'gauge', [], 'Revision that the copy of the store has reached'],
    ['outrigger_store_ready', 'gauge', [], '1 while the copy is loaded and the database has answered lately'],
    ['outrigger_entities', 'gauge', ['resource'], 'Entities in the store'],
  ]),
  ...rows('extension', [
    ['outrigger_extension_info', 'gauge', ['server', 'version', 'obeys'], '1: which one it is, and the ServerConfig that it obeys'],
    ['outrigger_extension_queue_depth', 'gauge', [], 'Clusters whose look is due and has not begun'],
    ['outrigger_extension_at_work', 'gauge', [], 'Clusters that are looked at now'],
    ['outrigger_extension_live_servers', 'gauge', [], 'Extension servers that live, by its own observation'],
    [
      'outrigger_extension_mass_silence',
      'gauge',
      [],
      '1 while so many sites fell silent together that nothing is replaced anywhere, else 0',
    ],
    ['outrigger_extension_silent_sites', 'gauge', [], 'Sites that fell silent and are not heard again, by its own observation'],
    [
      'outrigger_extension_watched_sites',
      'gauge',
      [],
      'Sites that are watched for silence: clusters that were available, without those that were silent long before',
    ],
    [
      'outrigger_extension_lease_age_seconds',
      'gauge',
      [],
      'Time since its newest renewal that was confirmed; absent: its Lease is not shown',
    ],
    ['outrigger_extension_event_loop_lag_seconds', 'gauge', [], 'How late the event loop came back when it was last looked at'],
    ['outrigger_extension_looks_total', 'counter', [], 'Looks at clusters that were carried through'],
    ['outrigger_extension_look_duration_seconds', 'histogram', [], 'Time of a look: deciding, reading live, and writing'],
    ['outrigger_extension_takeovers_total', 'counter', [], 'Clusters that came to it from a server that died, stopped or hung'],
    ['outrigger_extension_overdue_total', 'counter', [], "Looks at other servers' clusters whose work was overdue"],
    [
      'outrigger_extension_conflicts_total',
      'counter',
      [],
      'Looks that lost a race: somebody else wrote meanwhile what they had decided on',
    ],
    ['outrigger_extension_attempts_begun_total', 'counter', [], 'Attempts at creating a cluster that it began'],
    ['outrigger_extension_attempts_available_total', 'counter', [], 'Attempts that it saw through'],
    [
      'outrigger_extension_attempts_failed_total',
      'counter',
      ['cause'],
      'Attempts that it recorded as failed, by what the failure called for',
    ],
    [
      'outrigger_extension_effects_total',
      'counter',
      ['effect', 'result'],
      'Writes of decisions; result is ok, unreachable or why it was refused',
    ],
    [
      'outrigger_extension_api_calls_total',
      'counter',
      ['verb', 'result'],
      'Calls of the API; result is ok, unreachable or why it was refused',
    ],
    ['outrigger_extension_spans_dropped_total', 'counter', [], 'Spans of traces that no collector took'],
  ]),
];

const HELP: ReadonlyMap<string, string> = new Map(METRICS.map(({ name, help }) => [name, help]));

export function metricHelp(name: string): string | undefined {
  return HELP.get(name);
}
