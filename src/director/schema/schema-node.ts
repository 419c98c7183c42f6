/**
 * A structural schema after it was read and found good: what pruning, defaulting, validation and CEL are compiled from.
 *
 * Types only. `at` names the place in the schema as Kubernetes writes it (`openAPIV3Schema.properties[spec].items`), for sentences
 * about the schema itself.
 */

import type { Json } from '../../model/json.ts';
import type { Pattern } from './pattern.ts';
import type { ProblemReason } from './problem.ts';

/** `any` is a node without a type, allowed only with x-kubernetes-preserve-unknown-fields. */
export type NodeType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'int-or-string' | 'any';

/** Keywords that judge a value and say nothing of its structure; each applies only to values of its own type. */
export interface Checks {
  readonly enum?: readonly Json[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: Pattern;
  readonly format?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required: readonly string[];
  readonly allOf: readonly Nested[];
  readonly anyOf: readonly Nested[];
  readonly oneOf: readonly Nested[];
  readonly not?: Nested;
}

/** A schema below allOf, anyOf, oneOf or not: checks for fields whose structure stands outside. */
export interface Nested {
  readonly at: string;
  /** Only below x-kubernetes-int-or-string. */
  readonly type?: 'integer' | 'string';
  readonly checks: Checks;
  readonly properties: ReadonlyMap<string, Nested>;
  readonly items?: Nested;
}

/** One entry of x-kubernetes-validations. */
export interface RuleSource {
  readonly at: string;
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason: ProblemReason;
  readonly fieldPath?: string;
  readonly optionalOldSelf: boolean;
}

export interface SchemaNode {
  readonly at: string;
  /** Levels below the root of the values that it describes. */
  readonly depth: number;
  readonly type: NodeType;
  readonly nullable: boolean;
  readonly preserveUnknown: boolean;
  /** The root, or x-kubernetes-embedded-resource: has apiVersion, kind and metadata whatever its schema says. */
  readonly resource: boolean;
  readonly properties: ReadonlyMap<string, SchemaNode>;
  /** Schema of further properties; true allows any value. */
  readonly additional?: SchemaNode | true;
  readonly items?: SchemaNode;
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listMapKeys: readonly string[];
  /** Undefined: no default. */
  readonly defaultValue?: Json;
  readonly checks: Checks;
  readonly rules: readonly RuleSource[];
}
