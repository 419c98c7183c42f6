/**
 * Emptying a host: first what would move and what would stay, then the moving, as it goes.
 */

import { Alert, Button, Checkbox, List, ListItem, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { DrainStep } from '../../../src/decide/host-drain.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { Action } from '../shell/action.tsx';
import { markHost } from './cordon-dialog.tsx';
import { useDrain } from './use-drain.ts';

const nameOf = ({ metadata }: ClusterNode): string => `${metadata.namespace}/${metadata.name}`;

export function DrainDialog({ host, close }: { readonly host: string; readonly close: () => void }) {
  const [includePrimaries, setIncludePrimaries] = useState(false);
  const [isRunning, setRunning] = useState(false);
  const { step, unknown, retired, failure } = useDrain(host, includePrimaries, isRunning);
  const { mutate, isPending, error } = useMutation({ mutationFn: () => markHost(host, true), onSuccess: () => setRunning(true) });
  const isOver = isRunning && step !== undefined && step.retire.length === 0 && step.waits.length === 0;
  return (
    <Modal isOpen variant="medium" onClose={close} aria-label={`Drain ${host}`} aria-describedby="drain-body">
      <ModalHeader title={`Drain ${host}`} />
      <ModalBody id="drain-body">
        {error !== null && (
          <Alert component="p" isInline variant="danger" title="It was not cordoned, and nothing was moved" className="or-gap">
            {error.message}
          </Alert>
        )}
        {failure !== undefined && (
          <Alert component="p" isInline variant="warning" title="A node was not retired; it is tried again" className="or-gap">
            {failure}
          </Alert>
        )}
        {!isRunning && <Intro host={host} includePrimaries={includePrimaries} choose={setIncludePrimaries} />}
        {isRunning && (
          <p className="or-gap">Moving goes on while this stands open. Closed, the host stays cordoned; drain it again to go on.</p>
        )}
        <div role="status" aria-live="polite">
          {step === undefined ? (
            <p>{unknown}</p>
          ) : (
            <Plan step={step} isRunning={isRunning} isOver={isOver} moved={retired.map(({ namespace, name }) => `${namespace}/${name}`)} />
          )}
        </div>
      </ModalBody>
      <ModalFooter>
        {!isRunning && (
          <Action
            variant="primary"
            onClick={() => mutate()}
            isLoading={isPending}
            isDisabled={isPending}
            whyNot={step === undefined ? unknown : undefined}
          >
            Drain
          </Action>
        )}
        <Button variant="link" onClick={close}>
          {isRunning ? 'Close' : 'Cancel'}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

interface IntroProps {
  readonly host: string;
  readonly includePrimaries: boolean;
  readonly choose: (includePrimaries: boolean) => void;
}

function Intro({ host, includePrimaries, choose }: IntroProps) {
  return (
    <>
      <p className="or-gap">
        {host} is cordoned, and its workers are moved to other hosts one after the other, of each cluster only while it is redundant. What
        cannot be moved goes on where it is.
      </p>
      <Checkbox
        id="include-primaries"
        label="Primaries too"
        description="They go last. Until the successor is ready its singletons, portal and license sync stand still."
        isChecked={includePrimaries}
        onChange={(_event, checked) => choose(checked)}
        className="or-gap"
      />
    </>
  );
}

interface PlanProps {
  readonly step: DrainStep;
  readonly isRunning: boolean;
  readonly isOver: boolean;
  readonly moved: readonly string[];
}

function Plan({ step, isRunning, isOver, moved }: PlanProps) {
  const isEmpty = isOver && step.stuck.length === 0 && step.primaries.length === 0;
  return (
    <>
      {isOver && (
        <Alert
          component="p"
          isInline
          variant={isEmpty ? 'success' : 'warning'}
          title={isEmpty ? 'It is empty.' : 'What could be moved was moved; the rest is left to a person.'}
          className="or-gap"
        />
      )}
      <Lines title="Moved" lines={moved} />
      {!isRunning && <Lines title="Would go first" lines={step.retire.map(nameOf)} />}
      <Lines title="Waits" lines={step.waits} />
      <Lines title="Stays, until a person sees to it" lines={step.stuck} />
      <Lines title="Primaries, which are left" lines={step.primaries.map(nameOf)} />
    </>
  );
}

function Lines({ title, lines }: { readonly title: string; readonly lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <section aria-label={title} className="or-gap">
      <h2 className="or-subhead">{title}</h2>
      <List>
        {lines.map((line) => (
          <ListItem key={line}>{line}</ListItem>
        ))}
      </List>
    </section>
  );
}
