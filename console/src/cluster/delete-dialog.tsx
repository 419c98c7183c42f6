/**
 * Deletion: says what will go, and lets nobody do it by accident.
 *
 * I1: the order is bound to the uid that was looked at: a cluster that was made anew under the same name is not hit.
 */

import {
  Alert,
  Button,
  Form,
  FormGroup,
  List,
  ListItem,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  TextInput,
} from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Cluster } from '../../../src/model/cluster.ts';
import { clusterPath } from '../api/paths.ts';
import { call } from '../api/request.ts';
import type { DialogProps } from './scale-dialog.tsx';

export function DeleteDialog({ cluster, close }: DialogProps) {
  const { name, namespace = '', uid } = cluster.metadata;
  const [typed, setTyped] = useState('');
  const { mutate, isPending, error } = useMutation({
    mutationFn: () =>
      call('DELETE', clusterPath(namespace, name), { body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } } }),
    onSuccess: close,
  });
  const isNamed = typed === name;
  return (
    <Modal isOpen variant="small" onClose={close} aria-label={`Delete ${name}`} aria-describedby="delete-body">
      <ModalHeader title={`Delete ${name}?`} titleIconVariant="warning" />
      <ModalBody id="delete-body">
        {error !== null && (
          <Alert component="p" isInline variant="danger" title="It was not deleted" className="or-gap">
            {error.message}
          </Alert>
        )}
        <p>This will go, and cannot be brought back:</p>
        <List className="or-gap">
          {whatGoes(cluster).map((what) => (
            <ListItem key={what}>{what}</ListItem>
          ))}
        </List>
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            if (isNamed) mutate();
          }}
        >
          <FormGroup label={`Type ${name} to go on`} fieldId="delete-name">
            <TextInput id="delete-name" value={typed} onChange={(_event, value) => setTyped(value)} autoComplete="off" />
          </FormGroup>
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button variant="danger" onClick={() => mutate()} isLoading={isPending} isDisabled={isPending || !isNamed}>
          Delete
        </Button>
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function whatGoes({ spec, status = {} }: Cluster): readonly string[] {
  const nodes = Object.keys(status.nodes ?? {}).sort();
  const services = Object.keys(status.services ?? {}).sort();
  const machines =
    spec.nodes === 'Joined' ? 'the pods on its joined machines, which themselves stay' : 'its nodes with their local volumes';
  return [
    `${machines}${nodes.length === 0 ? '' : `: ${nodes.join(', ')}`}`,
    ...(services.length === 0 ? [] : [`its services: ${services.join(', ')}`]),
    ...(spec.site === undefined ? [] : [`the pairing with the site ${spec.site}, which stays and serves through this cluster no more`]),
    'its history: attempts and events',
  ];
}
