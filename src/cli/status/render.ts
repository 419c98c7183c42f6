/**
 * `outrigger status` for people: what needs a person first, then everything, in at most 120 columns and without any color.
 *
 * I1: this machine and the control plane that was asked are two sections, each with its name.
 * I2: of a fleet those that need a person are shown in full, the others a line each, and of very many only their number.
 */

import { UP_PART } from '../data-folder.ts';
import { shellWord } from '../up/summary.ts';
import type { ClusterShown, HostShown, NodeShown, Status } from './answer.ts';
import { fittedTable, listed, paragraph } from './lines.ts';
import { renderLocal } from './render-local.ts';

/** Up to so many clusters are shown in full whatever their state; and of more, so many of those that need a person. */
const IN_FULL = 3;
const NEEDY_IN_FULL = 5;
/** Lines of a fleet. */
const FLEET_LINES = 20;
const INDENT = '    ';

export function renderStatus(status: Status): string {
  const sections = [
    renderMachine(status),
    renderControlPlane(status),
    ...renderClusters(status),
    ...(status.hosts === undefined || status.hosts.length === 0 ? [] : [renderHosts(status.hosts)]),
    ...(status.hidden ?? []).map((what) => paragraph('Not shown  ', what)),
    ...(status.local === undefined ? [] : [renderLocal(status.local)]),
  ];
  return sections.filter((section) => section !== '').join('\n');
}

/** '' where nothing was ever started and clusters come from elsewhere: that is no news. */
function renderMachine(status: Status): string {
  const { data, parts, api, source } = status;
  if (source !== undefined && api === undefined && parts.length === 0) return '';
  const running = parts.filter(({ state }) => state !== 'Gone');
  const head = 'This machine   ';
  if (running.length === 0) {
    const start = `outrigger up --data ${shellWord(data)}`;
    const said = api === undefined ? 'Nothing was ever started here' : 'Nothing runs here';
    return paragraph(head, `${data}: ${said}; start it with "${start}".`);
  }
  const orphaned = !running.some(({ part }) => part === UP_PART);
  const gone = parts.filter(({ state, part }) => state === 'Gone' && part !== UP_PART);
  return [
    paragraph(head, `${data}: ${running.length} ${running.length === 1 ? 'part runs' : 'parts run'}`),
    listed(
      ' '.repeat(head.length),
      parts.map(({ part, pid, state }) => `${part} ${state === 'Running' ? String(pid) : `${pid} (${stateWords(state)})`}`),
    ),
    ...(gone.length === 0 || orphaned
      ? []
      : [paragraph('! ', `Gone, and started again by outrigger up: ${gone.map(({ part }) => part).join(', ')}.`)]),
    ...(orphaned
      ? [
          paragraph(
            '! ',
            `Nobody looks after ${running.map(({ part }) => part).join(', ')}: outrigger up is gone. Stop what is left with "outrigger down --data ${shellWord(data)}".`,
          ),
        ]
      : []),
  ].join('');
}

function stateWords(state: string): string {
  return state === 'Gone' ? 'gone' : 'does not answer';
}

function renderControlPlane({ api, source, asked, unreachable }: Status): string {
  const head = 'Control plane  ';
  const where = asked ?? (source === undefined ? api : undefined) ?? (source === undefined ? '' : 'the API');
  const by = source === undefined ? '' : `, by ${source}`;
  if (unreachable === undefined) return paragraph(head, `${where}: answers${by}`);
  return paragraph(head, `${where === '' ? '' : `${where}${by}: `}${unreachable}`, 6);
}

function renderClusters({ clusters, nodes = [] }: Status): readonly string[] {
  if (clusters === undefined) return [];
  if (clusters.length === 0) return ['No clusters.\n'];
  if (clusters.length <= IN_FULL) return clusters.map((cluster) => renderCluster(cluster, nodes));
  const needy = clusters.filter(({ needsPerson }) => needsPerson);
  const full = needy.slice(0, NEEDY_IN_FULL);
  const rest = clusters.filter((cluster) => !full.includes(cluster));
  return [...full.map((cluster) => renderCluster(cluster, nodes)), renderFleet(rest)];
}

function renderFleet(clusters: readonly ClusterShown[]): string {
  const rows = clusters
    .slice(0, FLEET_LINES)
    .map((one) => [one.needsPerson ? '!' : '✔', one.cluster, one.phase, one.release, one.primary, one.workers, one.age, one.message]);
  const more = clusters.length - rows.length;
  const titles = ['', 'CLUSTER', 'PHASE', 'RELEASE', 'PRIMARY', 'WORKERS', 'AGE', 'MESSAGE'];
  const needy = clusters.slice(FLEET_LINES).filter(({ needsPerson }) => needsPerson).length;
  const left = `and ${more} more${needy === 0 ? ', none of which needs a person' : `, ${needy} of which need a person`}: outrigger status -n NAMESPACE`;
  return `${fittedTable(titles, rows, '')}${more === 0 ? '' : `  ${left}\n`}`;
}

function renderCluster(cluster: ClusterShown, nodes: readonly NodeShown[]): string {
  const { phase, needsPerson, release, primary, term, workers, age } = cluster;
  const mark = needsPerson ? (phase === 'Error' ? '✖' : '!') : '✔';
  const members = nodes.filter((node) => node.cluster === cluster.cluster);
  const facts = [
    `release ${release}`,
    ...(primary === '' ? ['no primary'] : [`primary ${primary} (term ${term})`]),
    `workers ${workers}`,
    age,
  ];
  return [
    listed(`${mark} `, [`${cluster.cluster}  ${phase}`, ...facts]),
    ...(cluster.message === '' ? [] : [paragraph(INDENT, cluster.message)]),
    ...(members.length === 0 ? [] : [renderNodes(members)]),
    ...(cluster.services.length === 0
      ? []
      : [
          listed(
            `${INDENT}Services    `,
            cluster.services.map((one) => serviceWords(one, members.length)),
          ),
        ]),
    ...row('Change', cluster.change),
    ...row('Taken back', cluster.rolledBack),
    ...row('Site', cluster.site),
    ...row('Front door', cluster.frontDoor.length === 0 ? undefined : cluster.frontDoor.join(' ')),
    ...row('Portal', cluster.portal),
    ...row('License', cluster.license),
    ...cluster.drills.flatMap((drill) => row('Drill', drill)),
  ].join('');
}

function row(title: string, text: string | undefined): readonly string[] {
  return text === undefined ? [] : [paragraph(`${INDENT}${title.padEnd(12)}`, text)];
}

/** `web 2/2`, and where it is when it is not everywhere. */
function serviceWords({ service, ready, desired, where }: ClusterShown['services'][number], nodes: number): string {
  const everywhere = ready === desired && where.length === nodes;
  const short = where.map((name) => /-(n\d+)$/.exec(name)?.[1] ?? name).join('+');
  return `${ready < desired ? '! ' : ''}${service} ${ready}/${desired}${everywhere || short === '' ? '' : ` on ${short}`}`;
}

function renderNodes(nodes: readonly NodeShown[]): string {
  const rows = nodes.map((one) => [
    one.node.split('/')[1] ?? one.node,
    one.role,
    one.host,
    one.machine,
    one.agent,
    one.heard,
    String(one.incarnation),
    one.address,
    one.message,
  ]);
  return fittedTable(['NODE', 'ROLE', 'HOST', 'MACHINE', 'AGENT', 'HEARD', 'LIFE', 'ADDRESS', 'MESSAGE'], rows, INDENT);
}

function renderHosts(hosts: readonly HostShown[]): string {
  const rows = hosts.map((one) => [
    one.host,
    one.ready,
    `${one.nodes}/${one.capacity}`,
    [
      one.cordoned ? 'cordoned' : '',
      one.unclaimed.length === 0 ? '' : `${one.unclaimed.length} unclaimed: ${one.unclaimed.join(', ')}`,
      one.message,
    ]
      .filter((note) => note !== '')
      .join('; '),
  ]);
  return fittedTable(['HOST', 'READY', 'NODES', 'NOTES'], rows.slice(0, FLEET_LINES), '');
}
