/**
 * The conformance suite of the CEL specification (cel-spec v0.25.1, from @bufbuild/cel-spec), run against our evaluator.
 *
 * What we evaluate, we evaluate as the specification says: not one wrong answer. What we do not serve is refused when the rule is
 * compiled, and only for the reasons listed here.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { getConformanceSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import type { IncrementalTest, IncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import { compileCel } from '../../../src/director/schema/cel-compile.ts';
import { DYN } from '../../../src/director/schema/cel-types.ts';
import { CelFailure, CelTypeName, celEquals } from '../../../src/director/schema/cel-values.ts';
import type { Env } from '../../../src/director/schema/cel-values.ts';

/** What is not served, by the sentence that says so. */
const REFUSED_FOR = [
  // JSON has no unsigned integers, and carries 53 bits exactly.
  /unsigned integers|(function|variable) uint$/,
  /beyond the 53 bits/,
  // What is certain to be a mistake is refused rather than run.
  /must be of one type|is never equal to|wants a bool, not a|cannot be told whether \/ divides|(variable|function) (x|a|f_unknown)$/,
  /write bytes that are not ASCII/,
  // Not in the parser: messages (T{...}), .name, `quoted`, br"", optional entries ([?a]), reserved words as method names.
  /^syntax error/,
  // Not served: format, quote, macros of two variables.
  /function format$|variable strings$|wants a variable and an expression$|variable [ik]$/,
];
/** Suites about protobuf messages and extensions that Kubernetes' rules do not have. */
const OTHER = /^(block_ext|encoders_ext|enums|math_ext|network_ext|proto2|proto2_ext|proto3|wrappers|namespace|type_deduction|unknowns)$/;

interface Case {
  readonly suite: string;
  readonly expr: string;
  readonly want: { readonly value: unknown } | 'failure';
}

type Value = NonNullable<IncrementalTest['original']['resultMatcher']['value']> & { kind: { case: string; value: unknown } };

class NoCounterpart extends Error {}

function valueOf(value: Value): unknown {
  const { case: kind, value: held } = value.kind;
  switch (kind) {
    case 'nullValue':
      return null;
    case 'boolValue':
    case 'doubleValue':
    case 'stringValue':
    case 'bytesValue':
      return held;
    case 'int64Value':
      if (!Number.isSafeInteger(Number(held))) throw new NoCounterpart();
      return Number(held);
    case 'listValue':
      return (held as { values: Value[] }).values.map(valueOf);
    case 'mapValue':
      return new Map((held as { entries: { key: Value; value: Value }[] }).entries.map((one) => [valueOf(one.key), valueOf(one.value)]));
    case 'typeValue':
      return new CelTypeName(String(held));
    default:
      throw new NoCounterpart();
  }
}

function wanted({ original }: IncrementalTest): Case['want'] | undefined {
  const { resultMatcher } = original;
  try {
    if (resultMatcher.case === 'value') return { value: valueOf(resultMatcher.value as Value) };
    if (resultMatcher.case === undefined) return { value: true };
    return resultMatcher.case === 'evalError' ? 'failure' : undefined;
  } catch (error) {
    if (error instanceof NoCounterpart) return undefined;
    throw error;
  }
}

function collect(suite: IncrementalTestSuite, top: string): Case[] {
  const own = suite.tests.flatMap((one): Case[] => {
    const { original } = one;
    const needsMore = Object.keys(original.bindings).length > 0 || original.typeEnv.length > 0 || original.container !== '';
    const want = needsMore ? undefined : wanted(one);
    return want === undefined ? [] : [{ suite: top, expr: original.expr, want }];
  });
  return [...own, ...suite.suites.flatMap((below) => collect(below, top === '' ? below.name : top))];
}

function newEnv(): Env {
  return { self: {}, oldSelf: {}, steps: 1_000_000, slots: [] };
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => same(one, b[i]));
  return Object.is(a, b) || celEquals(newEnv(), a, b);
}

const cases = collect(getConformanceSuite(), '').filter(({ suite }) => !OTHER.test(suite));
const suites = [...new Set(cases.map(({ suite }) => suite))];

/** Least number of cases to be evaluated, and right, in the suites that matter for rules. */
const FLOOR: Readonly<Record<string, number>> = {
  basic: 28,
  comparisons: 170,
  conversions: 80,
  fields: 28,
  fp_math: 30,
  integer_math: 48,
  lists: 30,
  logic: 25,
  macros: 38,
  optionals: 45,
  parse: 150,
  string: 51,
  string_ext: 105,
  timestamps: 75,
};

describe('the conformance suite of CEL', () => {
  for (const suite of suites) {
    test(suite, () => {
      let right = 0;
      for (const { expr, want } of cases.filter((one) => one.suite === suite)) {
        const result = compileCel(expr, DYN, DYN);
        if (!result.ok) {
          if (want === 'failure') right++;
          else
            assert.ok(
              REFUSED_FOR.some((reason) => reason.test(result.why)),
              `${expr}\nrefused: ${result.why}`,
            );
          continue;
        }
        const got = evaluate(result.compiled.run);
        if (want === 'failure') assert.ok('failure' in got, `${expr}\nmust fail, but is ${JSON.stringify(got)}`);
        else assert.ok('value' in got && same(got.value, want.value), `${expr}\nis ${JSON.stringify(got)}, not ${String(want.value)}`);
        right++;
      }
      assert.ok(right >= (FLOOR[suite] ?? 0), `only ${right} cases were evaluated`);
    });
  }
});

function evaluate(run: (env: Env) => unknown): { readonly value: unknown } | { readonly failure: string } {
  try {
    return { value: run(newEnv()) };
  } catch (error) {
    if (error instanceof CelFailure) return { failure: error.message };
    throw error;
  }
}
