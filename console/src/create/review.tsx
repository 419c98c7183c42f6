/**
 * The last look: what the API says to all of it, and the YAML, as it was chosen or with what the API fills in.
 */

import {
  Alert,
  ClipboardCopyButton,
  CodeBlock,
  CodeBlockAction,
  CodeBlockCode,
  List,
  ListItem,
  Switch,
  Title,
} from '@patternfly/react-core';
import { useState } from 'react';
import type { Verdict } from '../form/dry-run.ts';
import { amountText } from '../organizations/quota.ts';
import { amountOf, FIELDS } from './draft.ts';
import type { Draft } from './draft.ts';
import { yamlOf } from './yaml.ts';

export interface ReviewProps {
  readonly draft: Draft;
  readonly manifest: object;
  readonly verdict: Verdict;
  readonly problem: (key: keyof Draft) => string | undefined;
  readonly failure: Error | null;
}

export function ReviewStep({ draft, manifest, verdict, problem, failure }: ReviewProps) {
  const [isWhole, setWhole] = useState(false);
  const { nodes, cpuMillis, memoryMiB } = amountOf(draft);
  const shown = isWhole && verdict.object !== undefined ? plain(verdict.object) : manifest;
  return (
    <>
      <Title headingLevel="h2" className="or-gap">
        Review
      </Title>
      {failure !== null && (
        <Alert component="p" isInline variant="danger" title="It was not created" className="or-gap">
          {failure.message}
        </Alert>
      )}
      <div role="status" aria-live="polite">
        <Judgment verdict={verdict} problem={problem} />
      </div>
      <p className="or-gap">
        {`${nodes === 1 ? 'One node' : `${nodes} nodes`}, together ${amountText('CPU', cpuMillis)} and ${amountText('Memory', memoryMiB)}, of ${draft.virtualDataCenter === '' ? 'a VirtualDataCenter that is not chosen yet' : draft.virtualDataCenter}.`}
      </p>
      <Switch
        id="whole"
        label="With what the API fills in"
        isChecked={isWhole && verdict.object !== undefined}
        isDisabled={verdict.object === undefined}
        onChange={(_event, whole) => setWhole(whole)}
        className="or-gap"
      />
      <YamlBlock manifest={shown} />
    </>
  );
}

function Judgment({ verdict, problem }: Pick<ReviewProps, 'verdict' | 'problem'>) {
  if (verdict.state === 'accepted')
    return <Alert component="p" isInline variant="success" title="The API takes it as it stands." className="or-gap" />;
  if (verdict.state === 'checking')
    return <Alert component="p" isInline variant="info" title="The API is being asked …" className="or-gap" />;
  const lines = (Object.keys(FIELDS) as (keyof Draft)[]).flatMap((key) => problem(key) ?? []);
  return (
    <Alert
      component="p"
      isInline
      variant={verdict.state === 'unknown' ? 'info' : 'danger'}
      title={verdict.state === 'unknown' ? 'It is not checked now' : 'The API would refuse it'}
      className="or-gap"
    >
      {verdict.state === 'unknown' || lines.length === 0 ? (
        verdict.message
      ) : (
        <List isPlain>
          {lines.map((line) => (
            <ListItem key={line}>{line}</ListItem>
          ))}
        </List>
      )}
    </Alert>
  );
}

/** What the store adds is not for a file of one's own. */
function plain(object: unknown): object {
  const { apiVersion, kind, metadata, spec } = object as {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace?: string };
    spec: object;
  };
  return { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace }, spec };
}

export function YamlBlock({ manifest }: { readonly manifest: object }) {
  const [isCopied, setCopied] = useState(false);
  const text = yamlOf(manifest);
  return (
    <CodeBlock
      actions={
        <CodeBlockAction>
          <ClipboardCopyButton
            id="copy-yaml"
            textId="yaml"
            aria-label="Copy the YAML"
            variant="plain"
            onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
            onTooltipHidden={() => setCopied(false)}
          >
            {isCopied ? 'Copied' : 'Copy'}
          </ClipboardCopyButton>
        </CodeBlockAction>
      }
    >
      <CodeBlockCode id="yaml">{text}</CodeBlockCode>
    </CodeBlock>
  );
}
