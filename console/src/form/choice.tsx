/**
 * One of several: a list to choose from, or a line to type in where the API does not show what there is.
 */

import { FormSelect, FormSelectOption, TextInput } from '@patternfly/react-core';
import type { InputFacts } from './field.tsx';

export interface Option {
  readonly value: string;
  readonly label?: string;
}

export interface ChoiceProps {
  readonly input: InputFacts;
  /** Undefined: nobody told; it is typed. */
  readonly options: readonly Option[] | undefined;
  readonly value: string;
  readonly choose: (value: string) => void;
  /** What stands where nothing is chosen. */
  readonly none: string;
}

export function Choice({ input, options, value, choose, none }: ChoiceProps) {
  if (options === undefined)
    return <TextInput {...input} value={value} onChange={(_event, text) => choose(text.trim())} autoComplete="off" />;
  const isListed = value === '' || options.some((one) => one.value === value);
  return (
    <FormSelect {...input} value={value} onChange={(_event, text) => choose(text)}>
      <FormSelectOption value="" label={none} />
      {!isListed && <FormSelectOption value={value} label={`${value} (is not there)`} />}
      {options.map((one) => (
        <FormSelectOption key={one.value} value={one.value} label={one.label ?? one.value} />
      ))}
    </FormSelect>
  );
}
