/**
 * Assertions: the answer to a broken promise of our own code.
 *
 * A failed assertion means that the program is wrong, not its input and not the world. The process stops and is started again by its
 * supervisor; nobody catches it to go on. Expected answers are values; failures of the world are `Fault`s (src/model/fault.ts).
 */

/** Thrown when the code broke its own promise. Never caught to carry on. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed';
}

/** Stops the caller when `condition` does not hold. `message` says which promise was broken. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message);
}

/** Closes a `switch` over a closed union: the compiler refuses it when a member was forgotten. */
export function unreachable(value: never, what: string): never {
  throw new AssertionFailed(`${what} has a member that nobody handles: ${JSON.stringify(value)}`);
}

/** `value`, which the caller knows to be there; `what` names it in the failure. */
export function present<T>(value: T | undefined | null, what: string): T {
  assert(value !== undefined && value !== null, `${what} is missing`);
  return value;
}
