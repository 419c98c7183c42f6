/**
 * Which page an address means, and the address of a page. Pure, so that both directions are held against each other.
 *
 * I1: `placeOf` undoes `addressOf`; every other address is the fleet.
 */

/** Pages of which there is one. */
export const PLAIN_PAGES = ['create', 'hosts', 'sites', 'licenses', 'organizations', 'configuration', 'rights'] as const;
/** Page of an object that belongs to an organization → where its address begins. */
const OBJECT_PAGES = { cluster: 'clusters', site: 'sites', license: 'licenses', capacity: 'organizations' } as const;

export type PlainPage = 'fleet' | (typeof PLAIN_PAGES)[number];
export type ObjectPage = keyof typeof OBJECT_PAGES;

export type Place =
  | { readonly page: PlainPage }
  | { readonly page: 'host'; readonly name: string }
  | { readonly page: ObjectPage; readonly namespace: string; readonly name: string };

const ROOT = '/console/';
const FLEET: Place = { page: 'fleet' };

export function placeOf(path: string): Place {
  const parts = path.startsWith(ROOT) ? path.slice(ROOT.length).replace(/\/$/, '').split('/').map(decodedPart) : [];
  const [first, second, third] = parts;
  if (first === undefined || parts.some((part) => part === undefined || part === '')) return FLEET;
  if (parts.length === 1) return { page: PLAIN_PAGES.find((page) => page === first) ?? 'fleet' };
  if (parts.length === 2 && first === 'hosts' && second !== undefined) return { page: 'host', name: second };
  const page = (Object.keys(OBJECT_PAGES) as ObjectPage[]).find((one) => OBJECT_PAGES[one] === first);
  const isObject = parts.length === 3 && page !== undefined && second !== undefined && third !== undefined;
  return isObject ? { page, namespace: second, name: third } : FLEET;
}

export function addressOf(place: Place): string {
  if ('namespace' in place)
    return `${ROOT}${OBJECT_PAGES[place.page]}/${encodeURIComponent(place.namespace)}/${encodeURIComponent(place.name)}`;
  if ('name' in place) return `${ROOT}hosts/${encodeURIComponent(place.name)}`;
  return place.page === 'fleet' ? ROOT : `${ROOT}${place.page}`;
}

function decodedPart(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
