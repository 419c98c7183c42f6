/**
 * A field of a form: its label, what it means, and beside it the API's sentence about it.
 */

import { FormGroup, FormHelperText, HelperText, HelperTextItem } from '@patternfly/react-core';
import type { ReactNode } from 'react';

/** For the input itself. */
export interface InputFacts {
  readonly id: string;
  readonly 'aria-describedby': string;
  readonly validated: 'default' | 'error';
}

export interface FieldProps {
  readonly id: string;
  readonly label: string;
  readonly isRequired?: boolean;
  readonly hint?: string | undefined;
  readonly problem: string | undefined;
  readonly children: (input: InputFacts) => ReactNode;
}

export function Field({ id, label, isRequired = false, hint, problem, children }: FieldProps) {
  const helpId = `${id}-help`;
  return (
    <FormGroup label={label} fieldId={id} isRequired={isRequired}>
      {children({ id, 'aria-describedby': helpId, validated: problem === undefined ? 'default' : 'error' })}
      <FormHelperText>
        <HelperText id={helpId} isLiveRegion>
          {problem === undefined ? (
            hint !== undefined && <HelperTextItem>{hint}</HelperTextItem>
          ) : (
            <HelperTextItem variant="error">{problem}</HelperTextItem>
          )}
        </HelperText>
      </FormHelperText>
    </FormGroup>
  );
}
