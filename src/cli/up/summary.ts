/**
 * What a person reads once everything is up: where things are, and three things to try.
 *
 * I1: every command printed works when it is copied as it stands, with what this machine has.
 */

import { clusterTitle, describeCluster } from '../cluster-line.ts';
import type { Cluster } from '../../model/cluster.ts';
import { DIRECTOR_ADDRESS } from '../data-folder.ts';
import type { DataPaths } from '../data-folder.ts';
import { PORTS } from '../../model/ports.ts';
import { GROUP_VERSION } from '../../model/resource.ts';
import type { Site } from '../../model/site.ts';
import { HELLO_PORT, SAMPLE_CLUSTER, SAMPLE_NAMESPACE, SAMPLE_SITE } from './sample.ts';

/** The service through which users reach the connection servers. */
const FRONT_DOOR = 'connection-server-proxy';

/** kubectl's own default; it carries the administrator's credentials, which a browser does not have. */
const KUBECTL_PROXY_PORT = 8001;

export interface SummaryView {
  readonly paths: DataPaths;
  readonly director: string;
  /** A one-time link to the console; undefined: none could be made. */
  readonly consoleLink: string | undefined;
  /** The sample cluster, when it is there. */
  readonly cluster: Cluster | undefined;
  /** Its site, when it is there. */
  readonly site: Site | undefined;
  /** Ports on which the extension servers tell how they are, by their parts. */
  readonly health: ReadonlyMap<string, number>;
  readonly hasKubectl: boolean;
  readonly hasCurl: boolean;
  /** How a person calls this program. */
  readonly ownCommand: string;
  /** As text. */
  readonly took: string;
  /** How long a day of license time takes, in ms, where that is not a day; and what the wall clock says now. */
  readonly shortDay: { readonly dayMs: number; readonly nowMs: number } | undefined;
}

/** Lines, without their ends. */
export function renderSummary(view: SummaryView): readonly string[] {
  const { paths, cluster } = view;
  return [
    '',
    `Outrigger is up after ${view.took}.`,
    '',
    `  API      ${view.director}`,
    ...consoleLines(view),
    ...(cluster === undefined ? [] : [`  Cluster  ${clusterTitle(cluster)}: ${describeCluster(cluster)}`]),
    ...nodeLines(cluster),
    ...siteLines(view),
    ...licenseLines(cluster),
    ...contractLines(view),
    ...portalLines(view),
    ...healthLines(view),
    `  Logs     ${paths.logFolder}`,
    '',
    `  export KUBECONFIG=${shellWord(paths.kubeconfig)}`,
    '',
    'Three things to try, in another terminal:',
    '',
    ...thingsToTry(view).flatMap(([says, command], index) => [`  ${index + 1}. ${says}`, `     ${command}`]),
    '',
    'Ctrl-C stops all of it; started again, it goes on where it was.',
    '',
  ];
}

function consoleLines({ consoleLink, ownCommand, paths }: SummaryView): string[] {
  if (consoleLink === undefined) return [];
  return [
    `  Console  ${consoleLink}`,
    '           lets you in once, within ten minutes; its certificate is signed by an authority that your browser does not know, so it asks first',
    `           another one: ${ownCommand} console link --data ${shellWord(paths.root)}`,
  ];
}

function nodeLines(cluster: Cluster | undefined): string[] {
  return nodesOf(cluster).map(
    ({ name, role, address }, index) => `  ${index === 0 ? 'Nodes  ' : '       '}  ${name} (${role}) http://${address}:${HELLO_PORT}`,
  );
}

function siteLines({ site, cluster }: SummaryView): string[] {
  if (site === undefined) return [];
  const title = `${site.metadata.namespace ?? ''}/${site.metadata.name}`;
  const { pairing } = site.status ?? {};
  const state = pairing === undefined ? 'not paired' : `${pairing.state}${pairing.message === undefined ? '' : `. ${pairing.message}`}`;
  const door =
    cluster?.status?.services?.[FRONT_DOOR] === undefined
      ? []
      : nodesOf(cluster).map(({ address }) => `https://${address}:${PORTS.connectionServerProxy}`);
  return [
    `  Site     ${title}: ${state}`,
    ...site.spec.connectionServers.map(({ name, url }) => `           ${name} ${url}`),
    ...(door.length === 0 ? [] : [`           front door ${door.join(' ')}`]),
  ];
}

function licenseLines(cluster: Cluster | undefined): string[] {
  const license = cluster?.status?.license;
  return license === undefined ? [] : [`  License  ${license.state}: ${license.message}`];
}

const DAY_MS = 86_400_000;

/** With days of seconds the contract of a year ends while somebody watches. */
function contractLines({ cluster, shortDay, hasKubectl, paths }: SummaryView): string[] {
  const license = cluster?.status?.license;
  if (shortDay === undefined || license?.contractEnd === undefined || license.lastSync === undefined) return [];
  const endMs = Date.parse(license.contractEnd);
  const inMs = ((endMs - Date.parse(license.lastSync)) / DAY_MS) * shortDay.dayMs;
  const until = new Date(shortDay.nowMs + inMs).toISOString().slice(0, 16).replace('T', ' ');
  const took = inMs < 90_000 ? `${Math.round(inMs / 1_000)} s` : `${Math.round(inMs / 60_000)} min`;
  const ends = `           its contract ends on ${license.contractEnd.slice(0, 10)} of license time: in about ${took}, at ${until} UTC`;
  const end = `${new Date(endMs + RENEWAL_DAYS * DAY_MS).toISOString().slice(0, 10)}T00:00:00Z`;
  const command = `kubectl --kubeconfig ${shellWord(paths.kubeconfig)} -n ${SAMPLE_NAMESPACE} patch universallicense ${SAMPLE_SITE} --type merge`;
  const renew = hasKubectl ? ['           to renew it:', `           ${command} -p '{"spec":{"end":"${end}"}}'`] : [];
  return [inMs > 0 ? ends : `           its contract ended on ${license.contractEnd.slice(0, 10)} of license time`, ...renew];
}

/** Ten years: two hours where a day takes two seconds. */
const RENEWAL_DAYS = 3_653;

function healthLines({ health }: SummaryView): string[] {
  return [...health]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(
      ([part, port], index) =>
        `  ${index === 0 ? 'Health ' : '       '}  ${part} http://${DIRECTOR_ADDRESS}:${port}/readyz, /livez, /metrics`,
    );
}

function portalLines({ cluster, paths, ownCommand, hasKubectl }: SummaryView): string[] {
  const primary = nodesOf(cluster).find(({ name }) => name === cluster?.status?.primary);
  if (cluster === undefined || primary === undefined) return [];
  const { name, namespace = '' } = cluster.metadata;
  return [
    `  Portal   https://${primary.address}:${PORTS.portal}`,
    `           its password: ${ownCommand} portal password ${name} -n ${namespace} --data ${shellWord(paths.root)}`,
    ...(hasKubectl
      ? [
          `           through the director: kubectl --kubeconfig ${shellWord(paths.kubeconfig)} proxy --port ${KUBECTL_PROXY_PORT}, and then`,
          `           http://127.0.0.1:${KUBECTL_PROXY_PORT}/apis/${GROUP_VERSION}/namespaces/${namespace}/clusters/${name}/proxy/portal/`,
        ]
      : []),
  ];
}

interface ShownNode {
  readonly name: string;
  readonly role: string;
  readonly address: string;
}

function nodesOf(cluster: Cluster | undefined): readonly ShownNode[] {
  return Object.entries(cluster?.status?.nodes ?? {})
    .flatMap(([name, node]) =>
      node.address === undefined ? [] : [{ name, role: (node.role ?? 'Worker').toLowerCase(), address: node.address }],
    )
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

/** The three scenes of the README, as commands. */
function thingsToTry(view: SummaryView): readonly (readonly [says: string, command: string])[] {
  const { cluster, paths, ownCommand } = view;
  const run = (part: string): string => `$(cat ${shellWord(paths.runFolder)}/${part}.pid)`;
  const data = `--data ${shellWord(paths.root)}`;
  const sample = `${SAMPLE_CLUSTER} -n ${SAMPLE_NAMESPACE} ${data}`;
  const [first] = nodesOf(cluster);
  if (first === undefined || cluster === undefined) {
    return [
      ['Look at all parts and clusters:', `${ownCommand} status ${data}`],
      [
        'Order a cluster, and see how it comes to be (where the capacity lies: outrigger help cluster):',
        `${ownCommand} cluster create --help`,
      ],
      ['Kill the director; it is back within seconds:', `kill -9 ${run('director')}`],
    ];
  }
  const servers = run('extension-*');
  const scale = `${ownCommand} cluster scale ${sample} --workers 2`;
  return [
    view.health.size === 0
      ? ['The cluster takes another worker:', scale]
      : [
          'Nobody is left who manages: stop the extension servers; the cluster takes another worker all the same:',
          `kill -STOP ${servers}; ${scale}; kill -CONT ${servers}`,
        ],
    [
      "The center is gone, and the primary's agent is killed; what runs there does not notice:",
      `kill -STOP ${run('director')}; kill -9 ${run(`${SAMPLE_NAMESPACE}.${first.name}`)}; ${askCommand(view.hasCurl, first.address)}; kill -CONT ${run('director')}`,
    ],
    ['Ask what would happen, then rehearse it:', `${ownCommand} status --readiness ${sample}; ${ownCommand} drill instance ${sample}`],
  ];
}

function askCommand(hasCurl: boolean, address: string): string {
  const url = `http://${address}:${HELLO_PORT}/`;
  return hasCurl ? `curl -s ${url}` : `node -e "fetch('${url}').then(async (r) => console.log(await r.text()))"`;
}

/** As one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
