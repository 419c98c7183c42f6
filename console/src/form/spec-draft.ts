/**
 * Values inside an object by their path, as the API names them: `spec.nodeHealthCheck.startupSeconds`, `spec.connectionServers[0].url`. Pure.
 *
 * I1: setting a value changes nothing else, and the object that it was changed from stays as it was.
 */

export type Draft = Readonly<Record<string, unknown>>;

/** Keys and places, in order. */
function partsOf(path: string): readonly (string | number)[] {
  return [...path.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
}

export function valueAt(draft: unknown, path: string): unknown {
  let value = draft;
  for (const part of partsOf(path)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** `value` undefined: it is taken out. */
export function withValue(draft: Draft, path: string, value: unknown): Draft {
  return replaced(draft, partsOf(path), value) as Draft;
}

function replaced(holder: unknown, [part, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (part === undefined) return value;
  if (typeof part === 'number') {
    const list = Array.isArray(holder) ? [...(holder as unknown[])] : [];
    list[part] = replaced(list[part], rest, value);
    return rest.length === 0 && value === undefined ? list.filter((_one, index) => index !== part) : list;
  }
  const object = { ...(typeof holder === 'object' && holder !== null ? (holder as Draft) : {}) };
  const next = replaced(object[part], rest, value);
  if (next === undefined) delete object[part];
  else object[part] = next;
  return object;
}
