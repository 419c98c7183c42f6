/**
 * What a selector is sure to select: the requirements of label and field selectors that are joined by "and", read just far enough to tell
 * whether a list is narrowed to what its caller may see.
 *
 * I1: `requires(selector, key, value)` is true only when every object selected has `key` equal to `value`.
 */

/** `selector` as in the query, decoded: requirements separated by commas, all of which must hold. */
export function requires(selector: string | undefined, key: string, value: string): boolean {
  return valueRequired(selector, key) === value;
}

/** The value that the selector demands of `key` by `=` or `==`, when it does. */
export function valueRequired(selector: string | undefined, key: string): string | undefined {
  if (selector === undefined || !selector.includes(key)) return undefined;
  for (const requirement of splitTopLevel(selector)) {
    const match = /^\s*([^\s=!(),]+)\s*={1,2}\s*([^\s=!(),]*)\s*$/.exec(requirement);
    if (match?.[1] === key) return match[2];
  }
  return undefined;
}

/** Commas within parentheses belong to `in (a,b)`. */
function splitTopLevel(selector: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < selector.length; at++) {
    const character = selector[at];
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(selector.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(selector.slice(from));
  return parts;
}
