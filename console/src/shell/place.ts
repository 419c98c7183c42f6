/**
 * Which page an address means, and the address of a page. Pure, so that both directions are held against each other.
 *
 * I1: `placeOf` undoes `addressOf`; every other address is the fleet.
 */

export type Place = { readonly page: 'fleet' } | { readonly page: 'cluster'; readonly namespace: string; readonly name: string };

const ROOT = '/console/';
const CLUSTER = /^clusters\/([^/]+)\/([^/]+)\/?$/;

export function placeOf(path: string): Place {
  const [, namespace, name] = CLUSTER.exec(path.startsWith(ROOT) ? path.slice(ROOT.length) : '') ?? [];
  const decoded = [namespace, name].map(decodedPart);
  const [inNamespace, called] = decoded;
  return inNamespace === undefined || called === undefined ? { page: 'fleet' } : { page: 'cluster', namespace: inNamespace, name: called };
}

export function addressOf(place: Place): string {
  return place.page === 'fleet' ? ROOT : `${ROOT}clusters/${encodeURIComponent(place.namespace)}/${encodeURIComponent(place.name)}`;
}

function decodedPart(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
