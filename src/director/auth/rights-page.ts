/**
 * The rights of nodes and hosts, and the owners of status sections, as a page for people: made from the very tables that decide.
 */

import { DRILL_RIGHTS } from './drill-rights.ts';
import { HOST_RIGHTS } from './host-rights.ts';
import { JOINED_RIGHTS } from './joined-rights.ts';
import { MANAGER_RIGHTS } from './manager-rights.ts';
import { AGENT_RIGHTS } from './node-rights.ts';
import type { Right } from './right.ts';
import { SITE_RIGHTS } from './site-rights.ts';
import { STAND_IN_RIGHTS } from './stand-in-rights.ts';
import { STATUS_SECTIONS, describeOwners } from './status-section.ts';

/** docs/reference/rights.md, whole. */
export function rightsPage(): string {
  return `# Rights of nodes, hosts and extension servers

This page is made from the tables in \`src/director/auth/\` that decide; a test compares them.

Callers are told apart by their client certificate (\`O=outrigger:nodes\`, \`O=outrigger:hosts\`, \`O=outrigger:admins\`) or by a ServiceAccount's token.
Admins may do everything. Nodes and hosts may do what a row below allows, by the attributes of the request and then by the content of the write; what no
row allows is left to RBAC, which the other callers get at once. Everything else is refused with 403 and a sentence that says why.

Besides, nodes and hosts may call \`/outrigger/v1/renew\` and \`/outrigger/v1/hello\`, nodes \`/outrigger/v1/license\` and \`/outrigger/v1/metrics\`, and hosts (and joined machines about themselves) \`/outrigger/v1/tombstones\`; \`/outrigger/v1/join\` is open to who holds a bootstrap token.

## Nodes (agents)

A node acts within the namespace of its ClusterNode only, and only with the incarnation that is wanted now: an older one has row N1 and nothing else.

${table(AGENT_RIGHTS)}

### The primary's agent besides (manager)

${table(MANAGER_RIGHTS)}

### A worker while the primary is down (stand-in)

${table(STAND_IN_RIGHTS)}

### The site of its cluster

${table(SITE_RIGHTS)}

### Drills of its cluster

${table(DRILL_RIGHTS)}

### A joined machine, which has no host daemon

${table(JOINED_RIGHTS)}

## Hosts (host daemons)

"Holds" means that \`spec.host\` of the ClusterNode names the host.

${table(HOST_RIGHTS)}

## Owners of status sections

A section is a direct member of \`status\`. Nodes, hosts and the extension servers may change only sections that they own; admins and others whom RBAC lets
write a status are not held to this.

${Object.keys(STATUS_SECTIONS).map(sectionTable).join('\n\n')}
`;
}

function table<Caller>(rows: readonly Right<Caller>[]): string {
  const lines = rows.map((row) => {
    const group = row.group === '' ? '' : `.${row.group}`;
    const resource = `${row.resource}${row.subresource === undefined ? '' : `/${row.subresource}`}${group}`;
    return `| ${row.id} | ${row.verbs.join(', ')} | ${resource} | ${row.says} |`;
  });
  return ['| row | verbs | resource | which, and with which content |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

function sectionTable(resource: string): string {
  const lines = Object.keys(STATUS_SECTIONS[resource] ?? {}).map((section) => `| ${section} | ${describeOwners(resource, section)} |`);
  return [`| ${resource} | owner |`, '| --- | --- |', ...lines].join('\n');
}
