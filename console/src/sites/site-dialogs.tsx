/**
 * What can be done to a site: plug a cluster in, unplug it, and accept the certificate that a connection server shows.
 *
 * I1: a pin is written under the revision of the Site in which its thumbprint was shown; when that changed meanwhile, nothing is accepted.
 */

import { Content, Form, FormSelect, FormSelectOption } from '@patternfly/react-core';
import { useState } from 'react';
import type { Cluster } from '../../../src/model/cluster.ts';
import { ANNOTATION_FORCE_UNPLUG } from '../../../src/model/labels.ts';
import type { ConnectionServer, Site } from '../../../src/model/site.ts';
import { clusterPath, clustersPath, objectPath } from '../api/paths.ts';
import { call, MERGE_PATCH } from '../api/request.ts';
import { Field } from '../form/field.tsx';
import { OrderDialog } from '../shell/order-dialog.tsx';
import { useLive } from '../watch/live-kind.ts';

interface DialogProps {
  readonly site: Site;
  readonly close: () => void;
}

export function PlugInDialog({ site, close }: DialogProps) {
  const { name, namespace = '' } = site.metadata;
  const { objects, contact } = useLive<Cluster>(clustersPath(namespace));
  const [chosen, setChosen] = useState('');
  const free = [...objects.values()].filter(({ spec }) => spec.site === undefined).map(({ metadata }) => metadata.name);
  const naming = [...objects.values()].find(({ spec }) => spec.site === name)?.metadata.name;
  return (
    <OrderDialog
      title={`Plug a cluster into ${name}`}
      verb="Plug in"
      whyNot={
        naming === undefined
          ? chosen === ''
            ? 'Choose a cluster.'
            : undefined
          : `${naming} names this site already, and is about to plug itself in.`
      }
      run={() => call('PATCH', clusterPath(namespace, chosen), { body: { spec: { site: name } }, contentType: MERGE_PATCH })}
      close={close}
    >
      <Content component="p">
        Its primary checks every connection server, and pairs when all of that passes. You see each check here as it is made.
      </Content>
      <Form onSubmit={(event) => event.preventDefault()}>
        <Field
          id="cluster"
          label="Cluster"
          problem={contact.state === 'refused' ? contact.why : undefined}
          hint="Those of this organization that are at no site."
        >
          {(input) => (
            <FormSelect {...input} value={chosen} onChange={(_event, value) => setChosen(value)}>
              <FormSelectOption value="" label={free.length === 0 ? 'There is none' : 'Choose one'} />
              {free.map((one) => (
                <FormSelectOption key={one} value={one} label={one} />
              ))}
            </FormSelect>
          )}
        </Field>
      </Form>
    </OrderDialog>
  );
}

export function UnplugDialog({ site, close }: DialogProps) {
  const { name, namespace = '' } = site.metadata;
  const plug = site.status?.cluster;
  const { objects, complete } = useLive<Cluster>(clustersPath(namespace));
  const naming = [...objects.values()].filter(({ spec }) => spec.site === name).map(({ metadata }) => metadata.name);
  // It was told to already, or is gone: then only force is left.
  const isForced = complete && naming.length === 0 && plug !== undefined;
  const run = async (): Promise<void> => {
    for (const one of naming)
      await call('PATCH', clusterPath(namespace, one), { body: { spec: { site: null } }, contentType: MERGE_PATCH });
    if (!isForced) return;
    const body = { metadata: { annotations: { [ANNOTATION_FORCE_UNPLUG]: plug.uid } } };
    await call('PATCH', objectPath('sites', namespace, name), { body, contentType: MERGE_PATCH });
  };
  return (
    <OrderDialog
      title={isForced ? `Unplug ${name} without its cluster` : `Unplug ${plug?.name ?? 'the cluster'} from ${name}`}
      verb={isForced ? 'Force it' : 'Unplug'}
      isGrave
      typed={name}
      run={run}
      close={close}
    >
      <p>
        {isForced
          ? `${plug.name} was told to unplug and has not, or is gone. An extension server frees the site; what stays at the connection servers is listed here afterwards.`
          : 'Its users are let in through this cluster no more. The primary takes the license back from each connection server; then the site is free.'}
      </p>
    </OrderDialog>
  );
}

export interface AcceptProps extends DialogProps {
  readonly server: ConnectionServer;
  readonly shown: string;
}

export function AcceptDialog({ site, server, shown, close }: AcceptProps) {
  // What stood here when the person began to compare is what is accepted.
  const [asSeen] = useState({ site, shown });
  const { name, namespace = '', uid, resourceVersion } = asSeen.site.metadata;
  const connectionServers = asSeen.site.spec.connectionServers.map((one) =>
    one.name === server.name ? { ...one, pin: asSeen.shown } : one,
  );
  return (
    <OrderDialog
      title={`Accept the certificate of ${server.name}`}
      verb="It is the same: accept"
      whyNot={shown === asSeen.shown ? undefined : 'It shows another certificate now. Close this, and look again.'}
      run={() =>
        call('PATCH', objectPath('sites', namespace, name), {
          body: { metadata: { uid, resourceVersion }, spec: { connectionServers } },
          contentType: MERGE_PATCH,
        })
      }
      close={close}
    >
      <p>{server.url} shows the certificate</p>
      <p className="or-break or-gap">
        <code>{asSeen.shown}</code>
      </p>
      {server.pin !== undefined && (
        <>
          <p>instead of the one that is pinned:</p>
          <p className="or-break or-gap">
            <code>{server.pin}</code>
          </p>
        </>
      )}
      <p>Compare it with the one at the server: its log names it. Accepted, the account of this site is sent to whoever shows it.</p>
    </OrderDialog>
  );
}
