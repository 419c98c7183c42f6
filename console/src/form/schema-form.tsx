/**
 * The fields of an object, made from the same schema that the API validates by. What is wrong with a value is for the API to say.
 */

import { Button, FormFieldGroup, FormFieldGroupHeader, FormSelect, FormSelectOption, Switch, TextInput } from '@patternfly/react-core';
import type { ArraySchema, ObjectSchema, Schema } from '../../../src/model/schema.ts';
import { Field } from './field.tsx';
import { numberTyped } from './number-text.ts';
import { valueAt } from './spec-draft.ts';
import type { Draft } from './spec-draft.ts';

export interface SchemaFormProps {
  readonly schema: ObjectSchema;
  /** Where the schema's object is in the draft: `spec`. */
  readonly path: string;
  readonly draft: Draft;
  readonly change: (path: string, value: unknown) => void;
  readonly problem: (path: string) => string | undefined;
}

export function SchemaForm(props: SchemaFormProps) {
  return Object.entries(props.schema.properties ?? {}).map(([name, schema]) => (
    <AnyField
      key={name}
      {...props}
      name={name}
      at={`${props.path}.${name}`}
      member={schema}
      isRequired={props.schema.required?.includes(name) === true}
    />
  ));
}

interface MemberProps extends SchemaFormProps {
  readonly name: string;
  readonly at: string;
  readonly member: Schema;
  readonly isRequired: boolean;
}

function AnyField(props: MemberProps) {
  const { member, name, at } = props;
  if (member.type === 'object')
    return (
      <FormFieldGroup
        role="group"
        header={<FormFieldGroupHeader titleText={{ text: name, id: `${at}-title` }} titleDescription={member.description} />}
      >
        <SchemaForm {...props} schema={member} path={at} />
      </FormFieldGroup>
    );
  if (member.type === 'array' && member.items.type === 'object') return <ObjectList {...props} member={member} items={member.items} />;
  if (member.type === 'boolean') return <BooleanField {...props} />;
  return <TextField {...props} />;
}

function hintOf(member: Schema): string | undefined {
  const fallback = 'default' in member ? member.default : undefined;
  const text = Array.isArray(fallback) ? fallback.join(', ') : typeof fallback === 'object' ? undefined : fallback;
  const isList = member.type === 'array' ? 'Parted by commas.' : '';
  const words = [member.description ?? '', isList, text === undefined ? '' : `Default: ${String(text)}.`].filter((one) => one !== '');
  return words.length === 0 ? undefined : words.join(' ');
}

function BooleanField({ name, at, member, draft, change }: MemberProps) {
  const value = valueAt(draft, at) ?? ('default' in member ? member.default : false);
  return (
    <Field id={at} label={name} hint={hintOf(member)} problem={undefined}>
      {(input) => (
        <Switch
          id={input.id}
          aria-describedby={input['aria-describedby']}
          aria-label={name}
          isChecked={value === true}
          onChange={(_event, checked) => change(at, checked)}
        />
      )}
    </Field>
  );
}

function TextField({ name, at, member, isRequired, draft, change, problem }: MemberProps) {
  const value = valueAt(draft, at);
  const options = member.type === 'string' ? member.enum : undefined;
  return (
    <Field id={at} label={name} isRequired={isRequired} hint={hintOf(member)} problem={problem(at)}>
      {(input) =>
        options === undefined ? (
          <TextInput {...input} value={textOf(value)} onChange={(_event, text) => change(at, readAs(member, text))} autoComplete="off" />
        ) : (
          <FormSelect {...input} value={textOf(value)} onChange={(_event, text) => change(at, text === '' ? undefined : text)}>
            <FormSelectOption value="" label="The default" />
            {options.map((one) => (
              <FormSelectOption key={one} value={one} label={one} />
            ))}
          </FormSelect>
        )
      }
    </Field>
  );
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function readAs(member: Schema, text: string): unknown {
  if (member.type === 'integer' || member.type === 'number') return numberTyped(text);
  if (member.type === 'array') return readList(text);
  return text === '' ? undefined : text;
}

/** A comma at the end stays, because another one is about to be typed. */
function readList(text: string): readonly string[] {
  return text.trim() === '' ? [] : text.split(',').map((one, index) => (index === 0 ? one : one.replace(/^ /, '')));
}

function ObjectList({
  name,
  at,
  items,
  draft,
  change,
  problem,
  ...rest
}: MemberProps & { readonly member: ArraySchema; readonly items: ObjectSchema }) {
  const values = valueAt(draft, at);
  const list = Array.isArray(values) ? (values as unknown[]) : [];
  const ofList = problem(at);
  return (
    <FormFieldGroup
      role="group"
      header={
        <FormFieldGroupHeader
          titleText={{ text: name, id: `${at}-title` }}
          titleDescription={list.length === 0 ? ofList : undefined}
          actions={
            <Button variant="link" onClick={() => change(at, [...list, {}])}>
              Add one
            </Button>
          }
        />
      }
    >
      {list.map((_one, index) => (
        <FormFieldGroup
          // Lines have no name of their own while they are typed.
          key={index}
          role="group"
          header={
            <FormFieldGroupHeader
              titleText={{ text: `${name} ${index + 1}`, id: `${at}-${index}-title` }}
              actions={
                <Button variant="link" onClick={() => change(`${at}[${index}]`, undefined)}>
                  Take out
                </Button>
              }
            />
          }
        >
          <SchemaForm {...rest} schema={items} path={`${at}[${index}]`} draft={draft} change={change} problem={problem} />
        </FormFieldGroup>
      ))}
    </FormFieldGroup>
  );
}
