/**
 * The cluster as it is this second: its nodes, which one holds authority, what runs where, and which tunnels are up.
 *
 * The lines are drawn by style; everything that they say stands in words too.
 */

import { Card, CardBody, CardTitle, DescriptionList, Icon, Label, LabelGroup } from '@patternfly/react-core';
import { CheckCircleIcon } from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import { ExclamationCircleIcon } from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import { InProgressIcon } from '@patternfly/react-icons/dist/esm/icons/in-progress-icon';
import type { Cluster } from '../../../src/model/cluster.ts';
import { Fact } from './fact.tsx';
import type { DrawnNode, DrawnService } from './drawn-node.ts';

export function Drawing({ cluster, nodes }: { readonly cluster: Cluster; readonly nodes: readonly DrawnNode[] }) {
  const directors = [...new Set(nodes.flatMap(({ tunnel, isHeard }) => (tunnel === undefined || !isHeard ? [] : [tunnel])))];
  return (
    <div className="or-drawing">
      <div className="or-director">
        <strong>Director</strong>{' '}
        <span className="or-quiet">{directors.length === 0 ? 'no tunnel to any node' : directors.join(', ')}</span>
      </div>
      <ul className="or-nodes" aria-label="Nodes">
        {nodes.map((node) => (
          <li key={node.name}>
            <div className={node.tunnel === undefined || !node.isHeard ? 'or-line or-line-down' : 'or-line'} aria-hidden="true" />
            <NodeCard node={node} term={cluster.status?.term} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function NodeCard({ node, term }: { readonly node: DrawnNode; readonly term: number | undefined }) {
  return (
    <Card isCompact className={node.isPrimary ? 'or-node or-node-primary' : 'or-node'}>
      <CardTitle component="h3">
        <span className="or-node-title">
          <StateIcon node={node} />
          <span className="or-break">{node.name}</span>
          <Label isCompact {...(node.isPrimary ? { color: 'blue' } : {})}>
            {node.isPrimary && term !== undefined ? `Primary, term ${term}` : node.role}
          </Label>
        </span>
      </CardTitle>
      <CardBody>
        <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: '12ch' }}>
          <Fact term="State">{node.message === undefined ? node.state : `${node.state}. ${node.message}`}</Fact>
          <Fact term="Address">{node.address ?? 'None yet'}</Fact>
          <Fact term="Host">{node.host ?? 'None yet'}</Fact>
          <Fact term="Release">{node.release ?? 'None yet'}</Fact>
          <Fact term="Tunnel">
            {node.tunnel === undefined ? 'None' : node.isHeard ? `Up, to ${node.tunnel}` : `Not known; last to ${node.tunnel}`}
          </Fact>
          {node.incarnation > 1 && <Fact term="Incarnation">{node.incarnation}</Fact>}
        </DescriptionList>
        {node.services.length > 0 && (
          <LabelGroup numLabels={16} aria-label={`Services on ${node.name}`} className="or-above">
            {node.services.map((service) => (
              <ServiceLabel key={service.name} service={service} isHeard={node.isHeard} />
            ))}
          </LabelGroup>
        )}
      </CardBody>
    </Card>
  );
}

function StateIcon({ node }: { readonly node: DrawnNode }) {
  if (node.isLeaving || node.isComing)
    return (
      <Icon aria-hidden="true">
        <InProgressIcon />
      </Icon>
    );
  return (
    <Icon status={node.isReady ? 'success' : 'danger'} aria-hidden="true">
      {node.isReady ? <CheckCircleIcon /> : <ExclamationCircleIcon />}
    </Icon>
  );
}

function ServiceLabel({ service, isHeard }: { readonly service: DrawnService; readonly isHeard: boolean }) {
  const words = `${service.name}${service.isSingleton ? ' (singleton)' : ''}${service.isReady ? '' : `: ${service.phase}`}`;
  // What was said last by who is not heard any more is neither good nor bad.
  if (!isHeard)
    return (
      <Label isCompact variant="outline">
        {words}, as last heard
      </Label>
    );
  return (
    <Label isCompact status={service.isReady ? 'success' : 'warning'} variant={service.isSingleton ? 'filled' : 'outline'}>
      {words}
    </Label>
  );
}
