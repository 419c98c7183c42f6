/**
 * Structural schemas as plain literals, and the TypeScript types that follow from them.
 *
 * One literal a kind is the source of truth: the types used by all parts, the CustomResourceDefinition that the director serves and the
 * reference page are made from it. It is the subset of OpenAPI v3 that apiextensions.k8s.io/v1 calls structural, and nothing else.
 *
 * I1: a property is required in the inferred type exactly when it is listed in `required` or has a `default` (the director fills it in).
 */

/** A CEL rule as apiextensions.k8s.io/v1 has it. Rules that name `oldSelf` are transition rules: skipped on create. */
export interface ValidationRule {
  readonly rule: string;
  readonly message: string;
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  readonly fieldPath?: string;
}

interface CommonSchema {
  readonly description?: string;
  readonly nullable?: boolean;
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
}

export interface StringSchema extends CommonSchema {
  readonly type: 'string';
  readonly enum?: readonly string[];
  readonly default?: string;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
}

export interface NumberSchema extends CommonSchema {
  readonly type: 'integer' | 'number';
  readonly default?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
}

export interface BooleanSchema extends CommonSchema {
  readonly type: 'boolean';
  readonly default?: boolean;
}

export interface ArraySchema extends CommonSchema {
  readonly type: 'array';
  readonly items: Schema;
  readonly default?: readonly unknown[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

export interface ObjectSchema extends CommonSchema {
  readonly type: 'object';
  readonly properties?: { readonly [name: string]: Schema };
  readonly required?: readonly string[];
  readonly default?: object;
  readonly additionalProperties?: Schema;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
}

export type Schema = StringSchema | NumberSchema | BooleanSchema | ArraySchema | ObjectSchema;

type Flat<T> = { [K in keyof T]: T[K] };

type AlwaysThere<S extends ObjectSchema> = {
  [K in keyof S['properties']]: K extends (S['required'] extends readonly (infer R)[] ? R : never)
    ? K
    : S['properties'][K] extends { readonly default: unknown }
      ? K
      : never;
}[keyof S['properties']];

type InferProperties<S extends ObjectSchema> = Flat<
  { [K in AlwaysThere<S>]: InferSchema<S['properties'][K]> } & {
    [K in Exclude<keyof S['properties'], AlwaysThere<S>>]?: InferSchema<S['properties'][K]>;
  }
>;

/** The type of the values that a schema literal (declared `as const satisfies Schema`) accepts, after defaulting. */
export type InferSchema<S> = S extends { readonly type: 'string'; readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly type: 'string' }
    ? string
    : S extends { readonly type: 'integer' | 'number' }
      ? number
      : S extends { readonly type: 'boolean' }
        ? boolean
        : S extends { readonly type: 'array'; readonly items: infer I }
          ? InferSchema<I>[]
          : S extends { readonly type: 'object'; readonly properties: object }
            ? S extends ObjectSchema
              ? InferProperties<S>
              : never
            : S extends { readonly type: 'object'; readonly additionalProperties: infer V }
              ? { [key: string]: InferSchema<V> }
              : S extends { readonly type: 'object' }
                ? { [key: string]: unknown }
                : never;
