/**
 * Asks before something is done, does it, and says the API's sentence when it was refused.
 *
 * I1: where a name is to be typed, nothing is done before it stands there.
 */

import { Alert, Button, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, TextInput } from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { Action } from './action.tsx';

export interface OrderDialogProps {
  readonly title: string;
  /** What the button says. */
  readonly verb: string;
  readonly isGrave?: boolean;
  /** To be typed first. */
  readonly typed?: string;
  /** Why it cannot be done now. */
  readonly whyNot?: string | undefined;
  readonly run: () => Promise<unknown>;
  readonly close: () => void;
  readonly children: ReactNode;
}

export function OrderDialog({ title, verb, isGrave = false, typed, whyNot, run, close, children }: OrderDialogProps) {
  const [text, setText] = useState('');
  const { mutate, isPending, error } = useMutation({ mutationFn: run, onSuccess: close });
  const missing = typed !== undefined && text !== typed ? `Type ${typed} first.` : undefined;
  const reason = whyNot ?? missing;
  const bodyId = 'order-body';
  return (
    <Modal isOpen variant="small" onClose={close} aria-label={title} aria-describedby={bodyId}>
      <ModalHeader title={title} {...(isGrave ? { titleIconVariant: 'warning' as const } : {})} />
      <ModalBody id={bodyId}>
        {error !== null && (
          <Alert component="p" isInline variant="danger" title="It was not done" className="or-gap">
            {error.message}
          </Alert>
        )}
        {children}
        {typed !== undefined && (
          <Form
            className="or-above"
            onSubmit={(event) => {
              event.preventDefault();
              if (reason === undefined) mutate();
            }}
          >
            <FormGroup label={`Type ${typed} to go on`} fieldId="order-name">
              <TextInput id="order-name" value={text} onChange={(_event, value) => setText(value)} autoComplete="off" />
            </FormGroup>
          </Form>
        )}
      </ModalBody>
      <ModalFooter>
        <Action
          variant={isGrave ? 'danger' : 'primary'}
          onClick={() => mutate()}
          isLoading={isPending}
          isDisabled={isPending}
          whyNot={reason}
        >
          {verb}
        </Action>
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}
