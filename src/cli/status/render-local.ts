/**
 * Nodes of this machine for people, as their own folders tell of them.
 */

import type { LocalNode } from './answer.ts';
import { listed, paragraph } from './lines.ts';

const INDENT = '    ';

export function renderLocal(nodes: readonly LocalNode[]): string {
  if (nodes.length === 0) return '';
  return nodes.map(renderNode).join('\n');
}

function renderNode(node: LocalNode): string {
  const isWell = node.agent === 'Running' && node.balancer === 'Running' && node.over === undefined && node.damaged.length === 0;
  const facts = [
    node.role,
    `of ${node.cluster}`,
    `life ${node.incarnation}`,
    `release ${node.release === '' ? '(none yet)' : node.release}`,
    node.address,
    `agent ${alive(node.agent)}`,
    `balancer ${alive(node.balancer)}`,
  ];
  return [
    listed(`${isWell ? '✔' : '!'} `, [node.node, ...facts]),
    ...(node.over === undefined ? [] : [paragraph(`${INDENT}Over        `, node.over)]),
    listed(
      `${INDENT}Services    `,
      node.services.length === 0 ? ['none'] : node.services.map(({ service, state }) => `${service} ${STATES[state]}`),
    ),
    ...(node.members.length === 0
      ? []
      : [
          listed(
            `${INDENT}Members     `,
            node.members.map(
              (one) => `${one.node} (${one.role.toLowerCase()}, ${one.address}) ${one.answers ? 'answers' : 'does not answer'}`,
            ),
          ),
        ]),
    paragraph(`${INDENT}Directors   `, `${node.tunnel} (${node.directors.join(', ')})`),
    ...(node.license === undefined ? [] : [paragraph(`${INDENT}License     `, node.license)]),
    ...node.damaged.map((what) => paragraph(`${INDENT}Damaged     `, what)),
    paragraph(`${INDENT}Folder      `, node.folder),
  ].join('');
}

const STATES = { Ready: 'ready', Running: 'runs, not ready', Gone: 'gone' } as const;

function alive(state: 'Running' | 'Gone'): string {
  return state === 'Running' ? 'runs' : 'is gone';
}
