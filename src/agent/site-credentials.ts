/**
 * The site's account: read from the Secret that the Site names.
 *
 * I1: nothing of a Secret but its keys username and password is taken, and neither is ever part of a sentence or a log.
 */

import type { Tried } from '../decide/pairing.ts';
import { SECRETS } from '../model/core-kinds.ts';
import type { Secret } from '../model/core-kinds.ts';
import type { Site } from '../model/site.ts';
import type { EntityApi } from '../ports/api.ts';
import type { SiteCredentials } from './site-memory.ts';

/** Undefined within: the Site names no Secret. Throws `Fault` when no director answers. */
export async function readCredentials(api: EntityApi, site: Site, signal: AbortSignal): Promise<Tried<SiteCredentials | undefined>> {
  const { secret } = site.spec.credentials ?? {};
  if (secret === undefined) return { ok: true, value: undefined };
  const { namespace = '', name } = site.metadata;
  const where = `Secret ${secret} of namespace ${namespace}, which spec.credentials.secret of site ${name} names,`;
  const make = `kubectl create secret generic ${secret} -n ${namespace} --from-literal=username=NAME --from-file=password=FILE`;
  const answer = await api.get<Secret>(SECRETS, namespace, secret, signal);
  if (!answer.ok && answer.reason === 'NotFound') return { ok: false, message: `${where} does not exist; create it: ${make}` };
  if (!answer.ok) return { ok: false, message: `${where} cannot be read: ${answer.message}` };
  const [username, password] = [valueOf(answer.value, 'username'), valueOf(answer.value, 'password')];
  const lacks = username === '' ? 'username' : password === '' ? 'password' : undefined;
  if (lacks !== undefined) return { ok: false, message: `${where} lacks the key ${lacks}; it needs username and password.` };
  if (username.includes(':'))
    return { ok: false, message: `${where} has a username with a colon in it, which no log-in can carry; choose another account.` };
  return { ok: true, value: { username, password } };
}

/** '' when there is none. A line feed at the end came with a file. */
function valueOf({ data }: Secret, key: string): string {
  return Buffer.from(data?.[key] ?? '', 'base64')
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
