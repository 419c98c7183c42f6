/**
 * A new organization, which is a Namespace.
 */

import { Form, TextInput } from '@patternfly/react-core';
import { useState } from 'react';
import { NAMESPACES_PATH } from '../api/paths.ts';
import { carryOut, problemAt, useDryRun } from '../form/dry-run.ts';
import type { Write } from '../form/dry-run.ts';
import { Field } from '../form/field.tsx';
import { whyNotYet } from '../form/object-dialog.tsx';
import { OrderDialog } from '../shell/order-dialog.tsx';

export function OrganizationDialog({ close }: { readonly close: () => void }) {
  const [name, setName] = useState('');
  const write: Write = { method: 'POST', path: NAMESPACES_PATH, body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } };
  const verdict = useDryRun(write);
  const problem = problemAt(verdict.problems, 'metadata.name') ?? (verdict.state === 'refused' ? verdict.message : undefined);
  return (
    <OrderDialog
      title="Add an organization"
      verb="Add"
      whyNot={name === '' ? 'Say how it is called.' : whyNotYet(verdict)}
      run={() => carryOut(write)}
      close={close}
    >
      <Form onSubmit={(event) => event.preventDefault()}>
        <Field
          id="organization-name"
          label="Name"
          isRequired
          problem={name === '' ? undefined : problem}
          hint="It has no capacity until a VirtualDataCenter gives it some."
        >
          {(input) => <TextInput {...input} value={name} onChange={(_event, text) => setName(text.trim())} autoComplete="off" />}
        </Field>
      </Form>
    </OrderDialog>
  );
}
