/**
 * Drills: to start one, to watch it, and what those before it measured.
 */

import { Alert, Form, FormGroup, FormSelect, FormSelectOption, Grid, GridItem, Switch } from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { balancedOf } from '../../../../src/decide/drill-services.ts';
import { isEnded, isSiteTarget } from '../../../../src/decide/drill.ts';
import type { ClusterNode } from '../../../../src/model/cluster-node.ts';
import type { ClusterRelease } from '../../../../src/model/cluster-release.ts';
import type { Cluster } from '../../../../src/model/cluster.ts';
import { CONTROL_TARGETS, SITE_TARGETS } from '../../../../src/model/drill.ts';
import type { Drill, DrillTarget } from '../../../../src/model/drill.ts';
import { useWhyNot } from '../../api/access.ts';
import { listPath } from '../../api/paths.ts';
import { call } from '../../api/request.ts';
import { Action } from '../../shell/action.tsx';
import { useSearch } from '../../shell/navigation.tsx';
import { Waiting } from '../../shell/waiting.tsx';
import { useExtensionServers } from '../../watch/extension-servers.ts';
import { useLive } from '../../watch/live-kind.ts';
import type { LiveSet } from '../../watch/live-set.ts';
import { Part } from '../part.tsx';
import { EndedDrills, OpenDrill } from './drill-results.tsx';
import { drillObject, judgeDrill, promiseText, TARGET_WORDS, wishOf } from './drill-wish.ts';
import type { DrillSeen, DrillWish } from './drill-wish.ts';

const TARGETS: readonly DrillTarget[] = [...SITE_TARGETS, ...CONTROL_TARGETS];
const SECONDS = [5, 20, 60, 300] as const;

export function DrillsTab({ cluster, live }: { readonly cluster: Cluster; readonly live: LiveSet<ClusterNode> }) {
  const { name, namespace = '' } = cluster.metadata;
  const drills = useLive<Drill>(listPath('drills', namespace));
  const releases = useLive<ClusterRelease>(listPath('clusterreleases'));
  const extensionServers = useExtensionServers();
  const all = useMemo(() => [...drills.objects.values()], [drills.objects]);
  const own = useMemo(
    () =>
      all
        .filter(({ spec }) => spec.cluster === name)
        .toSorted((a, b) => b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp)),
    [all, name],
  );
  if (drills.contact.state === 'refused')
    return (
      <Alert component="p" isInline variant="warning" title="Its drills cannot be shown">
        {drills.contact.why}
      </Alert>
    );
  if (!drills.complete || !(releases.complete || releases.contact.state === 'refused')) return <Waiting what="its drills" />;
  const release = releases.objects.get(`/${cluster.status?.release?.current ?? cluster.spec.release}`);
  const open = own.filter((drill) => !isEnded(drill));
  return (
    <Grid hasGutter>
      <GridItem>
        <Part title="Start a drill">
          <NewDrill seen={{ cluster, nodes: [...live.objects.values()], drills: all, release, extensionServers }} />
        </Part>
      </GridItem>
      {open.length > 0 && (
        <GridItem>
          <Part title="Under way">
            {open.map((drill) => (
              <OpenDrill key={drill.metadata.uid} drill={drill} />
            ))}
          </Part>
        </GridItem>
      )}
      <GridItem>
        <Part title="Past drills">
          <EndedDrills drills={own.filter(isEnded)} />
        </Part>
      </GridItem>
    </Grid>
  );
}

function NewDrill({ seen }: { readonly seen: DrillSeen }) {
  const { namespace = '' } = seen.cluster.metadata;
  const [search] = useSearch();
  const [wish, setWish] = useState(() => wishOf(search));
  const judged = judgeDrill(wish, seen);
  const mayNotMake = useWhyNot({ verb: 'create', resource: 'drills', namespace, name: '' });
  const mayNotShare = useWhyNot({ verb: 'rehearse', resource: 'drills', namespace: '', name: '' });
  const mayNot = mayNotMake ?? (isSiteTarget(wish.target) ? undefined : mayNotShare);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => {
      const { apiVersion, kind, metadata, spec } = drillObject(crypto.randomUUID().slice(0, 8), wish, seen.cluster);
      const { name: called, ownerReferences } = metadata;
      return call('POST', listPath('drills', namespace), {
        body: { apiVersion, kind, metadata: { name: called, namespace, ownerReferences }, spec },
      });
    },
  });
  const change = (part: Partial<DrillWish>): void => setWish({ ...wish, ...part });
  const whyNot = mayNot ?? judged.whyNot;
  return (
    <>
      <p className="or-gap">A drill kills something for real, while clients ask a service, and measures what becomes of them.</p>
      <Form
        onSubmit={(event) => {
          event.preventDefault();
          if (whyNot === undefined && !isPending) mutate();
        }}
      >
        <Fields wish={wish} change={change} seen={seen} />
        {error !== null && (
          <Alert component="p" isInline variant="danger" title="The drill was not started">
            {error.message}
          </Alert>
        )}
        {judged.whyNot === undefined ? (
          <p>
            {judged.expected} <strong>{promiseText(judged.promise)}</strong>
          </p>
        ) : (
          <Alert component="p" isInline isPlain variant="warning" title={`It would be refused: ${judged.whyNot}`} />
        )}
        <div>
          <Action whyNot={whyNot} variant="danger" type="submit" isLoading={isPending} isDisabled={isPending}>
            Start the drill
          </Action>
        </div>
      </Form>
    </>
  );
}

interface FieldsProps {
  readonly wish: DrillWish;
  readonly change: (part: Partial<DrillWish>) => void;
  readonly seen: DrillSeen;
}

function Fields({ wish, change, seen: { cluster, nodes, release } }: FieldsProps) {
  const isAtSite = isSiteTarget(wish.target);
  const services = release === undefined ? [] : balancedOf(cluster, release).map(({ name }) => name);
  const members = nodes.map(({ metadata }) => metadata.name).toSorted();
  return (
    <>
      <div className="or-filters">
        <FormGroup label="What dies" fieldId="drill-target">
          <FormSelect
            id="drill-target"
            value={wish.target}
            onChange={(_event, value) => change({ target: TARGETS.find((one) => one === value) ?? 'Instance' })}
          >
            {TARGETS.map((target) => (
              <FormSelectOption key={target} value={target} label={TARGET_WORDS[target]} />
            ))}
          </FormSelect>
        </FormGroup>
        {isAtSite && (
          <FormGroup label="On" fieldId="drill-node">
            <FormSelect id="drill-node" value={wish.node} onChange={(_event, node) => change({ node })}>
              <FormSelectOption value="" label="A worker, where there is one" />
              {members.map((node) => (
                <FormSelectOption key={node} value={node} label={node} />
              ))}
            </FormSelect>
          </FormGroup>
        )}
        <FormGroup label="Asked meanwhile" fieldId="drill-service">
          <FormSelect id="drill-service" value={wish.service} onChange={(_event, service) => change({ service })}>
            <FormSelectOption value="" label="The first that is balanced" />
            {services.map((service) => (
              <FormSelectOption key={service} value={service} label={service} />
            ))}
          </FormSelect>
        </FormGroup>
        <FormGroup label="For at least" fieldId="drill-seconds">
          <FormSelect id="drill-seconds" value={wish.seconds} onChange={(_event, value) => change({ seconds: Number(value) })}>
            {SECONDS.map((seconds) => (
              <FormSelectOption key={seconds} value={seconds} label={`${seconds} s`} />
            ))}
          </FormSelect>
        </FormGroup>
      </div>
      {isAtSite && (
        <Switch
          id="drill-outage"
          label="Also when something would stop being served meanwhile (spec.acceptOutage)"
          isChecked={wish.acceptOutage}
          onChange={(_event, acceptOutage) => change({ acceptOutage })}
        />
      )}
    </>
  );
}
