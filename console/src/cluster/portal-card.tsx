/**
 * How to get to the cluster's portal: at the site, and through the tunnel.
 *
 * Through the tunnel it is another origin's, by `kubectl proxy`: what a site answers is never shown within the console (docs/decisions/0020-console.md).
 */

import { ClipboardCopy, Content } from '@patternfly/react-core';
import { conditionOf } from '../../../src/model/condition.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import { PORTS } from '../../../src/model/ports.ts';
import { useWhyNot } from '../api/access.ts';
import { clusterPath } from '../api/paths.ts';
import { Action } from '../shell/action.tsx';
import type { DrawnNode } from './drawn-node.ts';

/** Where `kubectl proxy` listens unless told otherwise. */
const PROXY = 'http://127.0.0.1:8001';

export function PortalCard({ cluster, nodes }: { readonly cluster: Cluster; readonly nodes: readonly DrawnNode[] }) {
  const { name, namespace = '' } = cluster.metadata;
  const primary = nodes.find(({ isPrimary }) => isPrimary);
  const mayNot = useWhyNot({ verb: 'get', resource: 'clusters', subresource: 'proxy', namespace, name });
  const atSite = whyNotAtSite(primary);
  const tunnel = atSite ?? whyNoTunnel(cluster, nodes) ?? mayNot;
  const address = primary?.address === undefined ? undefined : `https://${primary.address}:${PORTS.portal}`;
  return (
    <>
      <Content component="p">
        Its own pages for whoever looks after the machines: state, pairing, license, logs, network test, support bundle. It asks for the
        cluster&apos;s own password: <code>outrigger portal password {name}</code> on the primary&apos;s machine makes one.
      </Content>
      <div className="or-gap">
        <Action
          whyNot={atSite}
          variant="secondary"
          {...(address === undefined || atSite !== undefined
            ? {}
            : { component: 'a', href: address, target: '_blank', rel: 'noopener noreferrer' })}
        >
          Open it at the site
        </Action>{' '}
        <span className="or-quiet">{address === undefined ? '' : `${address}, from the site's network`}</span>
      </div>
      <Content component="p">Through the tunnel, from anywhere: run this, and open the address below.</Content>
      {tunnel === undefined ? (
        <>
          <ClipboardCopy isReadOnly hoverTip="Copy" clickTip="Copied" textAriaLabel="Command" className="or-gap">
            kubectl proxy
          </ClipboardCopy>
          <ClipboardCopy isReadOnly hoverTip="Copy" clickTip="Copied" textAriaLabel="Address of the portal">
            {`${PROXY}${clusterPath(namespace, name)}/proxy/portal/`}
          </ClipboardCopy>
        </>
      ) : (
        <p>Not now: {tunnel}</p>
      )}
    </>
  );
}

function whyNotAtSite(primary: DrawnNode | undefined): string | undefined {
  if (primary === undefined) return 'It has no primary, and the portal is on the primary.';
  if (!primary.isReady) return `The portal is on the primary, and ${primary.name} is not ready.`;
  return primary.address === undefined ? `${primary.name} has no address yet.` : undefined;
}

function whyNoTunnel({ spec, status }: Cluster, nodes: readonly DrawnNode[]): string | undefined {
  if (nodes.every(({ tunnel, isHeard }) => tunnel === undefined || !isHeard)) return 'None of its nodes has a tunnel to a director.';
  const paired = conditionOf(status?.conditions, 'Paired');
  return spec.site !== undefined && paired?.status === 'False' ? paired.message : undefined;
}
