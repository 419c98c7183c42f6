/**
 * What a person types where a number belongs, as the API is to hear it: nothing is mended here, so that the API can say what is wrong.
 */

/** '': undefined, which is the API's default. */
export function numberTyped(text: string): number | string | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return /^-?\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
}
