/**
 * A person vouches that a machine is off. Says what that means, looks whether the host still lives, and wants its name.
 *
 * I1: it is bound to the boot that was looked at, and to the host's uid.
 */

import { Alert, List, ListItem } from '@patternfly/react-core';
import { hostDeathEffects } from '../../../src/decide/host-death.ts';
import { requestOf } from '../../../src/decide/request.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Host } from '../../../src/model/host.ts';
import { ANNOTATION_HOST_DEAD } from '../../../src/model/labels.ts';
import { objectPath } from '../api/paths.ts';
import { call, MERGE_PATCH } from '../api/request.ts';
import { OrderDialog } from '../shell/order-dialog.tsx';
import { useLeaseWatch } from './use-lease-watch.ts';
import type { LeaseSight } from './use-lease-watch.ts';

export interface ConfirmDeadProps {
  readonly host: Host;
  readonly held: readonly ClusterNode[];
  readonly close: () => void;
}

export function ConfirmDeadDialog({ host, held, close }: ConfirmDeadProps) {
  const { name } = host.metadata;
  const sight = useLeaseWatch(name);
  return (
    <OrderDialog
      title={`Confirm that ${name} is dead`}
      verb="It is off"
      isGrave
      typed={name}
      whyNot={whyNot(name, sight)}
      run={() => confirm(host, held)}
      close={close}
    >
      <p className="or-gap">
        You vouch that the machine of {name} is off for good in its boot {host.status?.bootId}. If it is not, its nodes run twice.
      </p>
      {held.length > 0 && (
        <>
          <p>These are replaced by a higher incarnation, on another host:</p>
          <List className="or-gap">
            {held.map(({ metadata }) => (
              <ListItem key={metadata.uid}>
                {metadata.namespace}/{metadata.name}
              </ListItem>
            ))}
          </List>
        </>
      )}
      <div role="status" aria-live="polite">
        <Sight name={name} sight={sight} />
      </div>
    </OrderDialog>
  );
}

function whyNot(name: string, { state, why = '' }: LeaseSight): string | undefined {
  if (state === 'silent') return undefined;
  if (state === 'lives') return `${name} renews its Lease: its daemon lives.`;
  return state === 'unknown' ? why : `It is being watched whether ${name} still renews its Lease.`;
}

function Sight({ name, sight: { state, leftMs, why } }: { readonly name: string; readonly sight: LeaseSight }) {
  if (state === 'looking')
    return (
      <Alert
        component="p"
        isInline
        variant="info"
        title={`Watches whether ${name} still renews its Lease: ${Math.ceil(leftMs / 1000)} s more.`}
      />
    );
  if (state === 'silent') return <Alert component="p" isInline variant="success" title={`${name} does not renew its Lease.`} />;
  if (state === 'unknown') return <Alert component="p" isInline variant="warning" title={why ?? 'Its Lease cannot be read.'} />;
  return (
    <Alert component="p" isInline variant="danger" title={`${name} renews its Lease: its daemon lives, and its nodes would run twice.`}>
      To empty a host that lives, drain it.
    </Alert>
  );
}

async function confirm(host: Host, held: readonly ClusterNode[]): Promise<void> {
  const { name, uid } = host.metadata;
  const metadata = { uid, annotations: { [ANNOTATION_HOST_DEAD]: host.status?.bootId } };
  const marked = await call<Host>('PATCH', objectPath('hosts', '', name), { body: { metadata }, contentType: MERGE_PATCH });
  // Extension servers do the same by themselves; managers replace their workers also where none lives. What changed meanwhile is looked at again.
  for (const effect of hostDeathEffects([marked], held)) {
    if (effect.kind !== 'ConfirmNodeDead') continue;
    const request = requestOf(effect);
    if (request.verb !== 'mergePatch') continue;
    const path = objectPath(request.address.plural, request.namespace, request.name);
    await call('PATCH', path, { body: request.patch, contentType: MERGE_PATCH }).catch(() => undefined);
  }
}
