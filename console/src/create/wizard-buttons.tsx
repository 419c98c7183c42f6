/**
 * Back, Next and Create. Create that is not possible says why.
 */

import { Button, Flex, useWizardContext } from '@patternfly/react-core';
import { Action } from '../shell/action.tsx';
import { go } from '../shell/navigation.tsx';

export interface WizardButtonsProps {
  readonly create: () => void;
  readonly isCreating: boolean;
  readonly whyNot: string | undefined;
}

export function WizardButtons({ create, isCreating, whyNot }: WizardButtonsProps) {
  const { activeStep, steps, goToNextStep, goToPrevStep } = useWizardContext();
  const isLast = activeStep.index === steps.length;
  return (
    <Flex gap={{ default: 'gapSm' }}>
      <Button variant="secondary" onClick={() => void goToPrevStep()} isDisabled={activeStep.index === 1}>
        Back
      </Button>
      {isLast ? (
        <Action variant="primary" onClick={create} isLoading={isCreating} isDisabled={isCreating} whyNot={whyNot}>
          Create
        </Action>
      ) : (
        <Button variant="primary" onClick={() => void goToNextStep()}>
          Next
        </Button>
      )}
      <Button variant="link" onClick={() => go({ page: 'fleet' })}>
        Cancel
      </Button>
    </Flex>
  );
}
