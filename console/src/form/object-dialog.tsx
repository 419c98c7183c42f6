/**
 * Makes or changes an object of the provider's or an organization's, field by field, with the API's verdict as one types.
 *
 * I1: a change sends what was changed and nothing else, bound to the uid of the object that was looked at.
 */

import { Alert, Button, Form, Modal, ModalBody, ModalFooter, ModalHeader, TextInput } from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { mergeDiff } from '../../../src/decide/merge-diff.ts';
import type { KindDefinition } from '../../../src/model/resource.ts';
import { GROUP_VERSION } from '../../../src/model/resource.ts';
import { listPath, objectPath } from '../api/paths.ts';
import { MERGE_PATCH } from '../api/request.ts';
import { Action } from '../shell/action.tsx';
import type { Watched } from '../watch/live-set.ts';
import { carryOut, problemAt, useDryRun } from './dry-run.ts';
import type { Verdict, Write } from './dry-run.ts';
import { Field } from './field.tsx';
import { SchemaForm } from './schema-form.tsx';
import { withValue } from './spec-draft.ts';
import type { Draft } from './spec-draft.ts';

export interface Existing extends Watched {
  readonly spec: unknown;
}

export interface ObjectDialogProps {
  readonly title: string;
  readonly kind: KindDefinition;
  /** What is changed; undefined: one is made. */
  readonly existing?: Existing;
  /** What stands in the form of a new one. */
  readonly initial?: Draft;
  readonly close: () => void;
}

export function ObjectDialog({ title, kind, existing, initial = {}, close }: ObjectDialogProps) {
  // What others change meanwhile is not mixed into what stands here; nor is it undone, because only what was changed here is sent.
  const [before] = useState<Draft>(() => (existing === undefined ? {} : { spec: existing.spec }));
  const [draft, setDraft] = useState<Draft>(() => (existing === undefined ? { spec: {}, ...initial } : before));
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const write = useMemo(() => writeOf(kind, existing, before, draft), [kind, existing, before, draft]);
  const verdict = useDryRun(write);
  const { mutate, isPending, error } = useMutation({ mutationFn: () => carryOut(write), onSuccess: close });
  const change = (path: string, value: unknown): void => {
    setDraft((old) => withValue(old, path, value));
    setSeen((old) => new Set([...old, path]));
  };
  const form = {
    draft,
    change,
    problem: (path: string) => (seen.has(path) || existing !== undefined ? problemAt(verdict.problems, path) : undefined),
  };
  const isSame = existing !== undefined && mergeDiff(before, draft) === undefined;
  return (
    <Modal isOpen variant="medium" onClose={close} aria-label={title} aria-describedby="object-body">
      <ModalHeader title={title} />
      <ModalBody id="object-body">
        {error !== null && (
          <Alert component="p" isInline variant="danger" title="It was not written" className="or-gap">
            {error.message}
          </Alert>
        )}
        <Form onSubmit={(event) => event.preventDefault()}>
          {existing === undefined && <NameFields kind={kind} {...form} />}
          <SchemaForm schema={kind.spec} path="spec" {...form} />
        </Form>
        <div role="status" aria-live="polite" className="or-above">
          <Refusal verdict={verdict} isTouched={seen.size > 0} />
        </div>
      </ModalBody>
      <ModalFooter>
        <Action
          variant="primary"
          onClick={() => mutate()}
          isLoading={isPending}
          isDisabled={isPending}
          whyNot={isSame ? 'Nothing was changed.' : whyNotYet(verdict)}
        >
          {existing === undefined ? 'Create' : 'Save'}
        </Action>
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}

export function whyNotYet(verdict: Verdict): string | undefined {
  if (verdict.state === 'accepted') return undefined;
  return verdict.state === 'checking' ? 'The API is being asked whether it takes it.' : verdict.message;
}

export function Refusal({ verdict, isTouched }: { readonly verdict: Verdict; readonly isTouched: boolean }) {
  if (!isTouched || (verdict.state !== 'refused' && verdict.state !== 'unknown')) return null;
  const isRefused = verdict.state === 'refused';
  return (
    <Alert
      component="p"
      isInline
      variant={isRefused ? 'danger' : 'info'}
      title={isRefused ? 'The API would refuse it' : 'It is not checked now'}
    >
      {verdict.message}
    </Alert>
  );
}

interface NameFieldsProps {
  readonly kind: KindDefinition;
  readonly draft: Draft;
  readonly change: (path: string, value: unknown) => void;
  readonly problem: (path: string) => string | undefined;
}

function NameFields({ kind, draft, change, problem }: NameFieldsProps) {
  const { name = '', namespace = '' } = (draft['metadata'] ?? {}) as { name?: string; namespace?: string };
  return (
    <>
      {kind.scope === 'Namespaced' && (
        <Field id="metadata.namespace" label="Organization" isRequired problem={problem('metadata.namespace')}>
          {(input) => (
            <TextInput
              {...input}
              value={namespace}
              onChange={(_event, text) => change('metadata.namespace', text.trim())}
              autoComplete="off"
            />
          )}
        </Field>
      )}
      <Field id="metadata.name" label="Name" isRequired problem={problem('metadata.name')}>
        {(input) => (
          <TextInput {...input} value={name} onChange={(_event, text) => change('metadata.name', text.trim())} autoComplete="off" />
        )}
      </Field>
    </>
  );
}

/** The write that the form comes to. */
export function writeOf(kind: KindDefinition, existing: Existing | undefined, before: Draft, draft: Draft): Write {
  if (existing === undefined) {
    const metadata = { name: '', ...(draft['metadata'] as { name?: string; namespace?: string } | undefined) };
    const namespace = kind.scope === 'Namespaced' ? (metadata.namespace ?? '') : undefined;
    const path = listPath(kind.plural, namespace === '' ? 'none' : namespace);
    return { method: 'POST', path, body: { apiVersion: GROUP_VERSION, kind: kind.kind, metadata, spec: draft['spec'] } };
  }
  const { uid, namespace = '', name } = existing.metadata;
  const body = { metadata: { uid }, ...mergeDiff(before, draft) };
  return { method: 'PATCH', path: objectPath(kind.plural, namespace, name), body, contentType: MERGE_PATCH };
}
