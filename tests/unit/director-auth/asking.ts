/**
 * Asking the authorizer on behalf of one caller, in a store with a cluster in it.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Attributes, Decision, Identity } from '../../../src/director/auth/identity.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { openWorld, seedCluster, testAuthorizer } from './support.ts';
import type { World } from './support.ts';

export interface Asking {
  readonly world: World;
  may(question: Attributes, who?: Identity): Decision;
  /** Both questions, as the API layer asks them. */
  mayWrite(question: Attributes, old: JsonObject | undefined, next: JsonObject | undefined, who?: Identity): Decision;
}

export async function openAsking(test: TestContext, caller: Identity): Promise<Asking> {
  const world = await openWorld(test);
  await seedCluster(world.store);
  const authorizer = testAuthorizer(test, world);
  return {
    world,
    may: (question, who = caller) => authorizer.authorize(who, question),
    mayWrite: (question, old, next, who = caller) => {
      const decision = authorizer.authorize(who, question);
      return decision.allowed ? authorizer.authorizeWrite(who, question, { old, next }) : decision;
    },
  };
}

export function yes(decision: Decision): void {
  assert.equal(decision.allowed, true, decision.reason);
}

/** Refused, with a sentence that says so and matches. */
export function no(decision: Decision, says: RegExp): void {
  assert.equal(decision.allowed, false, `allowed: ${decision.reason}`);
  assert.match(decision.reason, /forbidden: User "[^"]+" cannot /);
  assert.match(decision.reason, says);
}
