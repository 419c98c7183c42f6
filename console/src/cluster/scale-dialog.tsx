/**
 * How many workers: the API's own scale, with its own refusals.
 */

import { Alert, Button, Content, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, NumberInput } from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Cluster } from '../../../src/model/cluster.ts';
import { clusterPath } from '../api/paths.ts';
import { call } from '../api/request.ts';

const MERGE = 'application/merge-patch+json';
/** The schema's own bound; the API says it in a sentence where another rule asks for less. */
const MOST_WORKERS = 8;

export interface DialogProps {
  readonly cluster: Cluster;
  readonly close: () => void;
}

export function ScaleDialog({ cluster, close }: DialogProps) {
  const { name, namespace = '' } = cluster.metadata;
  const [workers, setWorkers] = useState(cluster.spec.workers);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => call('PATCH', `${clusterPath(namespace, name)}/scale`, { body: { spec: { replicas: workers } }, contentType: MERGE }),
    onSuccess: close,
  });
  const bounded = (value: number): number => Math.min(Math.max(Math.trunc(value) || 0, 0), MOST_WORKERS);
  return (
    <Modal isOpen variant="small" onClose={close} aria-label={`Scale ${name}`} aria-describedby="scale-body">
      <ModalHeader title={`Scale ${name}`} />
      <ModalBody id="scale-body">
        {error !== null && (
          <Alert component="p" isInline variant="danger" title="It was not scaled" className="or-gap">
            {error.message}
          </Alert>
        )}
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            mutate();
          }}
        >
          <FormGroup label="Workers besides the primary" fieldId="workers">
            <NumberInput
              value={workers}
              min={0}
              max={MOST_WORKERS}
              onMinus={() => setWorkers(bounded(workers - 1))}
              onPlus={() => setWorkers(bounded(workers + 1))}
              onChange={(event) => setWorkers(bounded(Number(event.currentTarget.value)))}
              inputProps={{ id: 'workers' }}
              inputAriaLabel="Workers besides the primary"
              minusBtnAriaLabel="One worker less"
              plusBtnAriaLabel="One worker more"
            />
          </FormGroup>
        </Form>
        <Content component="p" className="or-above">
          {consequence(cluster.spec.workers, workers)}
        </Content>
      </ModalBody>
      <ModalFooter>
        <Button variant="primary" onClick={() => mutate()} isLoading={isPending} isDisabled={isPending || workers === cluster.spec.workers}>
          Scale
        </Button>
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function consequence(now: number, then: number): string {
  if (then === now) return `It has ${now === 1 ? '1 worker' : `${now} workers`}.`;
  const count = Math.abs(then - now);
  const nodes = count === 1 ? '1 worker' : `${count} workers`;
  if (then > now) return `${nodes} will be added, where a host of its VirtualDataCenter has room.`;
  return `${nodes} will be drained and removed${then === 0 ? '; no other node is left then to serve when the primary fails' : ''}.`;
}
