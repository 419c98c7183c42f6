/**
 * Another release: those to which there is a way can be chosen, the others say why not; the API judges in the end.
 */

import { Alert, Button, Content, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, Radio } from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { ClusterRelease } from '../../../../src/model/cluster-release.ts';
import type { Cluster } from '../../../../src/model/cluster.ts';
import { clusterPath, listPath } from '../../api/paths.ts';
import { call, MERGE_PATCH } from '../../api/request.ts';
import { Waiting } from '../../shell/waiting.tsx';
import { useLive } from '../../watch/live-kind.ts';
import type { DialogProps } from '../scale-dialog.tsx';
import { releaseChoices } from './releases.ts';
import type { ReleaseChoice } from './releases.ts';

export function UpgradeDialog({ cluster, close }: DialogProps) {
  const { name, namespace = '' } = cluster.metadata;
  const { objects, contact, complete } = useLive<ClusterRelease>(listPath('clusterreleases'));
  const choices = useMemo(() => releaseChoices(cluster, objects.values()), [cluster, objects]);
  const [chosen, setChosen] = useState<string | undefined>();
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => call('PATCH', clusterPath(namespace, name), { body: { spec: { release: chosen } }, contentType: MERGE_PATCH }),
    onSuccess: close,
  });
  const isGood = choices.some((one) => one.name === chosen && one.whyNot === undefined);
  return (
    <Modal isOpen variant="medium" onClose={close} aria-label={`Upgrade ${name}`} aria-describedby="upgrade-body">
      <ModalHeader title={`Upgrade ${name}`} description={`It runs ${cluster.status?.release?.current ?? 'nothing yet'}.`} />
      <ModalBody id="upgrade-body" tabIndex={0}>
        {error !== null && (
          <Alert component="p" isInline variant="danger" title="It was not changed" className="or-gap">
            {error.message}
          </Alert>
        )}
        {contact.state === 'refused' && (
          <Alert component="p" isInline variant="warning" title="The releases cannot be shown">
            {contact.why}
          </Alert>
        )}
        {!complete && contact.state !== 'refused' && <Waiting what="the releases" />}
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            if (isGood) mutate();
          }}
        >
          {choices.length > 0 && (
            <FormGroup role="radiogroup" label="Release" fieldId="releases" isStack>
              {choices.map((choice) => (
                <Choice key={choice.name} choice={choice} isChosen={choice.name === chosen} choose={() => setChosen(choice.name)} />
              ))}
            </FormGroup>
          )}
        </Form>
        <Content component="p" className="or-above">
          {consequence(cluster)}
        </Content>
      </ModalBody>
      <ModalFooter>
        <Button variant="primary" onClick={() => mutate()} isLoading={isPending} isDisabled={isPending || !isGood}>
          {chosen === undefined ? 'Change' : `Change to ${chosen}`}
        </Button>
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}

interface ChoiceProps {
  readonly choice: ReleaseChoice;
  readonly isChosen: boolean;
  readonly choose: () => void;
}

function Choice({ choice: { name, notes, whyNot, isRunning }, isChosen, choose }: ChoiceProps) {
  return (
    <Radio
      id={`release-${name}`}
      name="release"
      label={`${name}${isRunning ? ' (runs now)' : ''}`}
      description={[notes, whyNot].filter((text) => text !== undefined && text !== '').join(' ')}
      isChecked={isChosen}
      isDisabled={whyNot !== undefined}
      onChange={choose}
    />
  );
}

/** docs/reference/upgrades.md */
function consequence({ spec, status }: Cluster): string {
  if (status?.availableAt === undefined) return 'It was never available: its creation goes on with this release.';
  const seconds = spec.upgrade?.readySeconds ?? 300;
  const down = spec.upgrade?.whenNodeDown === 'Proceed' ? 'a node that is down follows later' : 'a node that is down is waited for';
  return `Its primary changes one node after the other, workers first; ${down}. A node that is not ready with it after ${seconds} s makes all of it go back.`;
}
