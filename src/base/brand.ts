/**
 * Nominal types over plain strings and numbers, so that a uid is never passed where a name is wanted.
 */

declare const brand: unique symbol;

/** `T`, told apart from every other `T` by the compiler alone; at run time it is the plain value. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
