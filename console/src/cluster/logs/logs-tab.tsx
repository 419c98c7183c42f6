/**
 * What a service of a node wrote: its tail, and what is added.
 */

import { Alert, Form, FormGroup, FormSelect, FormSelectOption, Switch } from '@patternfly/react-core';
import { servicesOf } from '../../../../src/decide/plan.ts';
import type { ClusterRelease } from '../../../../src/model/cluster-release.ts';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { Cluster } from '../../../../src/model/cluster.ts';
import { useWhyNot } from '../../api/access.ts';
import { listPath, logPath } from '../../api/paths.ts';
import type { LogQuery } from '../../api/paths.ts';
import { browserWorld } from '../../api/request.ts';
import { useLive } from '../../watch/live-kind.ts';
import type { DrawnNode } from '../drawn-node.ts';
import { Part } from '../part.tsx';
import { EMPTY_LOG, MOST_LINES } from './log-lines.ts';
import type { LogView } from './log-lines.ts';
import { runLog } from './log-loop.ts';
import type { LogContact } from './log-loop.ts';

const TAILS = [100, 1_000, 5_000] as const;

export function LogsTab({ cluster, nodes }: { readonly cluster: Cluster; readonly nodes: readonly DrawnNode[] }) {
  const { namespace = '' } = cluster.metadata;
  const services = Object.keys(cluster.status?.services ?? {}).sort();
  const [wantedNode, setNode] = useState<string | undefined>();
  const [wantedService, setService] = useState<string | undefined>();
  const [wantedContainer, setContainer] = useState<string | undefined>();
  const releases = useLive<ClusterRelease>(listPath('clusterreleases'));
  const [tailLines, setTail] = useState<number>(TAILS[0]);
  const [follow, setFollow] = useState(true);
  const node = nodes.find(({ name }) => name === wantedNode)?.name ?? nodes[0]?.name;
  const service = services.find((name) => name === wantedService) ?? services[0];
  if (node === undefined || service === undefined)
    return (
      <Part title="Logs">
        <p>Nothing of it runs yet, so nothing has written a log.</p>
      </Part>
    );
  const containers = containersOf(cluster, releases.objects, service);
  const container = containers.find((name) => name === wantedContainer) ?? containers.find((name) => name === service) ?? containers[0];
  return (
    <Part title="Logs">
      <Form className="or-filters or-gap">
        <FormGroup label="Node" fieldId="log-node">
          <FormSelect id="log-node" value={node} onChange={(_event, value) => setNode(value)}>
            {nodes.map(({ name, isPrimary }) => (
              <FormSelectOption key={name} value={name} label={isPrimary ? `${name} (primary)` : name} />
            ))}
          </FormSelect>
        </FormGroup>
        <FormGroup label="Service" fieldId="log-service">
          <FormSelect id="log-service" value={service} onChange={(_event, value) => setService(value)}>
            {services.map((name) => (
              <FormSelectOption key={name} value={name} label={name} />
            ))}
          </FormSelect>
        </FormGroup>
        {containers.length > 1 && (
          <FormGroup label="Container" fieldId="log-container">
            <FormSelect id="log-container" value={container} onChange={(_event, value) => setContainer(value)}>
              {containers.map((name) => (
                <FormSelectOption key={name} value={name} label={name} />
              ))}
            </FormSelect>
          </FormGroup>
        )}
        <FormGroup label="Begin with the last" fieldId="log-tail">
          <FormSelect id="log-tail" value={tailLines} onChange={(_event, value) => setTail(Number(value))}>
            {TAILS.map((count) => (
              <FormSelectOption key={count} value={count} label={`${count.toLocaleString()} lines`} />
            ))}
          </FormSelect>
        </FormGroup>
        <FormGroup label="What is added" role="group">
          <Switch id="log-follow" label="Follow" isChecked={follow} onChange={(_event, on) => setFollow(on)} />
        </FormGroup>
      </Form>
      <Permitted query={{ namespace, node, service, tailLines, follow, ...(containers.length > 1 ? { container } : {}) }} />
    </Part>
  );
}

/** As the release that runs and the spec say; empty: not known here, then the API names them where it has to. */
function containersOf(cluster: Cluster, releases: ReadonlyMap<string, ClusterRelease>, service: string): readonly string[] {
  const release = releases.get(`/${cluster.status?.release?.current ?? cluster.spec.release}`);
  const found = release === undefined ? undefined : servicesOf(cluster.spec, release).find(({ name }) => name === service);
  return found?.pod.containers.map(({ name }) => name) ?? [];
}

function Permitted({ query }: { readonly query: LogQuery }) {
  const { namespace, node } = query;
  const mayNot = useWhyNot({ verb: 'get', resource: 'clusternodes', subresource: 'log', namespace, name: node });
  if (mayNot !== undefined)
    return (
      <Alert component="p" isInline variant="warning" title="Its logs cannot be shown">
        {mayNot}
      </Alert>
    );
  const path = logPath(query);
  return <Log key={path} path={path} query={query} />;
}

function Log({ path, query }: { readonly path: string; readonly query: LogQuery }) {
  const { follow, service, node } = query;
  const [log, setLog] = useState<LogView>(EMPTY_LOG);
  const [contact, setContact] = useState<LogContact>({ state: 'loading' });
  useEffect(() => {
    const end = new AbortController();
    setLog(EMPTY_LOG);
    const { world, onUnauthorized } = browserWorld();
    void runLog(world, { path, follow, change: setLog, say: setContact, onUnauthorized }, end.signal);
    return () => end.abort();
  }, [path, follow]);
  return (
    <>
      <p role="status" aria-live="polite" className={contact.state === 'lost' || contact.state === 'refused' ? 'or-lost' : 'or-quiet'}>
        {stateText(contact, log)}
      </p>
      <Lines log={log} label={`Log of ${service} on ${node}`} />
    </>
  );
}

function stateText(contact: LogContact, { lines, letGo }: LogView): string {
  const count = lines.filter(({ kind }) => kind === 'line').length;
  const shown = `${count.toLocaleString()} line${count === 1 ? '' : 's'}`;
  const gone =
    letGo === 0 ? '' : ` The ${letGo.toLocaleString()} before them are let go here: at most ${MOST_LINES.toLocaleString()} are held.`;
  switch (contact.state) {
    case 'loading':
      return 'It is being asked for.';
    case 'live':
      return `${shown}; what is added is shown.${gone}`;
    case 'whole':
      return `${shown}.${gone}`;
    case 'lost':
      return `Not connected; it is asked again and again. ${contact.why}`;
    default:
      return contact.why;
  }
}

function Lines({ log, label }: { readonly log: LogView; readonly label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const parts = useMemo(() => partsOf(log), [log]);
  useLayoutEffect(() => {
    if (box.current !== null && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [parts]);
  return (
    <div
      ref={box}
      className="or-log"
      role="log"
      aria-live="off"
      aria-label={label}
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
      }}
    >
      {parts.map((text, index) => (
        <div key={index}>
          {index > 0 && <p className="or-log-gap">The connection was lost here, and lines may be missing.</p>}
          <pre>{text}</pre>
        </div>
      ))}
    </div>
  );
}

/** Text between gaps. */
function partsOf({ lines, rest }: LogView): readonly string[] {
  const parts: string[][] = [[]];
  for (const line of lines) {
    if (line.kind === 'gap') parts.push([]);
    else parts.at(-1)?.push(line.text);
  }
  if (rest !== '') parts.at(-1)?.push(rest);
  return parts.map((part) => part.join('\n'));
}
