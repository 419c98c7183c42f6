/**
 * Bootstrap tokens: the single-use secret by which a machine gets its first certificate, and the Secret that stands for it in the store.
 *
 * The text `<namespace>.<id>.<secret>` is shown once; the store keeps only the hash of the secret. A token is bound to one life of one ClusterNode of
 * its own namespace, or (in outrigger-system) to one Host.
 *
 * I1: `parseToken` undoes `tokenText`, and takes nothing else.
 * I2: a Secret that is not exactly a token is read as none.
 */

import type { Secret } from './core-kinds.ts';
import { API_GROUP } from './resource.ts';

export const BOOTSTRAP_TOKEN_TYPE = `${API_GROUP}/bootstrap-token`;
export const TOKEN_ID_LENGTH = 10;
export const TOKEN_SECRET_LENGTH = 32;
/** Characters of id and secret: 36 of them, so 32 make 165 bits. */
export const TOKEN_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

const NAMESPACE = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const TOKEN = new RegExp(`^(${NAMESPACE})\\.([a-z0-9]{${TOKEN_ID_LENGTH}})\\.([a-z0-9]{${TOKEN_SECRET_LENGTH}})$`);
const SECRET_NAME = new RegExp(`^bootstrap-([a-z0-9]{${TOKEN_ID_LENGTH}})$`);

export interface BootstrapToken {
  readonly namespace: string;
  readonly id: string;
  /** Never stored, never logged. */
  readonly secret: string;
}

/** What a token is for. */
export type TokenBearer =
  | { readonly kind: 'node'; readonly uid: string; readonly name: string; readonly incarnation: number }
  | { readonly kind: 'host'; readonly name: string };

/** Values of the Secret's `data`, before base64. `usedBy` and `certificate` are the director's, once it has been used. */
export interface TokenFields {
  /** Hex SHA-256 of the secret. */
  readonly tokenHash: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  readonly bearer: TokenBearer;
  /** Hex SHA-256 of the certificate request's DER. */
  readonly usedBy?: string;
  /** PEM. */
  readonly certificate?: string;
}

export function tokenText(token: BootstrapToken): string {
  return `${token.namespace}.${token.id}.${token.secret}`;
}

export function parseToken(text: string): BootstrapToken | undefined {
  const [, namespace, id, secret] = TOKEN.exec(text) ?? [];
  return namespace === undefined || id === undefined || secret === undefined ? undefined : { namespace, id, secret };
}

/** Name of the Secret. */
export function tokenSecretName(id: string): string {
  return `bootstrap-${id}`;
}

export function isTokenSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Characters of TOKEN_ALPHABET, one for each number in [0, 1). For ids and, from a cryptographic source, secrets. */
export function tokenCharacters(dice: readonly number[]): string {
  return dice.map((number) => TOKEN_ALPHABET.charAt(Math.floor(number * TOKEN_ALPHABET.length))).join('');
}

/** `data` of the Secret, before base64. */
export function tokenData(fields: TokenFields): Record<string, string> {
  const { tokenHash, expiresAt, bearer, usedBy, certificate } = fields;
  const whom: Record<string, string> =
    bearer.kind === 'host'
      ? { host: bearer.name }
      : { nodeUid: bearer.uid, nodeName: bearer.name, incarnation: String(bearer.incarnation) };
  return {
    tokenHash,
    expiresAt,
    ...whom,
    ...(usedBy === undefined ? {} : { usedBy }),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

const FIELDS: ReadonlySet<string> = new Set([
  'tokenHash',
  'expiresAt',
  'nodeUid',
  'nodeName',
  'incarnation',
  'host',
  'usedBy',
  'certificate',
]);
const HASH = /^[0-9a-f]{64}$/;

/** Undoes `tokenData`; `type` and `data` (decoded) as in the Secret. Undefined when that is no token, or says too little, too much or two things. */
export function readTokenFields(type: Secret['type'], data: ReadonlyMap<string, string>): TokenFields | undefined {
  const tokenHash = data.get('tokenHash');
  const expiresAt = data.get('expiresAt');
  const bearer = readBearer(data);
  if (type !== BOOTSTRAP_TOKEN_TYPE || tokenHash === undefined || expiresAt === undefined || bearer === undefined) return undefined;
  if (!HASH.test(tokenHash) || Number.isNaN(Date.parse(expiresAt))) return undefined;
  if (Array.from(data.keys()).some((name) => !FIELDS.has(name))) return undefined;
  const usedBy = data.get('usedBy');
  const certificate = data.get('certificate');
  return {
    tokenHash,
    expiresAt,
    bearer,
    ...(usedBy === undefined ? {} : { usedBy }),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

function readBearer(data: ReadonlyMap<string, string>): TokenBearer | undefined {
  const [host, uid, name, incarnation] = ['host', 'nodeUid', 'nodeName', 'incarnation'].map((field) => data.get(field));
  if (host !== undefined)
    return uid === undefined && name === undefined && incarnation === undefined ? { kind: 'host', name: host } : undefined;
  if (uid === undefined || name === undefined || !/^[1-9][0-9]{0,14}$/.test(incarnation ?? '')) return undefined;
  return { kind: 'node', uid, name, incarnation: Number(incarnation) };
}
