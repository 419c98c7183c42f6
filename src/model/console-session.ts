/**
 * How a person gets into the console: a one-time link, which is exchanged for a session. Both are Secrets in outrigger-system that hold hashes only, so
 * that any director can answer, and deleting one takes it back.
 *
 * The link's code `<id>.<secret>` travels in the fragment of the URL, which browsers send to nobody. The session's token `outrigger-session.<id>.<secret>`
 * is a bearer token like that of a ServiceAccount (docs/decisions/0020-console.md).
 *
 * I1: `parseLinkCode` and `parseSessionToken` undo `linkCode` and `sessionToken`, and take nothing else.
 * I2: a Secret that is not exactly a link or a session is read as none.
 */

import { TOKEN_ID_LENGTH, TOKEN_SECRET_LENGTH } from './bootstrap-token.ts';
import { API_GROUP } from './resource.ts';

export const CONSOLE_LINK_TYPE = `${API_GROUP}/console-link`;
export const CONSOLE_SESSION_TYPE = `${API_GROUP}/console-session`;
/** Where the director serves the console. */
export const CONSOLE_PATH = '/console/';
/** POST {code} → {token, user, expiresAt}; DELETE ends the session that its bearer shows. */
export const CONSOLE_SESSION_PATH = '/outrigger/v1/console/session';

const PAIR = `([a-z0-9]{${TOKEN_ID_LENGTH}})\\.([a-z0-9]{${TOKEN_SECRET_LENGTH}})`;
const CODE = new RegExp(`^${PAIR}$`);
const SESSION_PREFIX = 'outrigger-session.';
const SESSION = new RegExp(`^outrigger-session\\.${PAIR}$`);
const HASH = /^[0-9a-f]{64}$/;

/** Names what is stored, and proves that its bearer was given it. */
export interface ConsoleProof {
  readonly id: string;
  /** Never stored, never logged. */
  readonly secret: string;
}

export function linkCode({ id, secret }: ConsoleProof): string {
  return `${id}.${secret}`;
}

export function parseLinkCode(text: string): ConsoleProof | undefined {
  return proofOf(CODE.exec(text));
}

export function sessionToken({ id, secret }: ConsoleProof): string {
  return `${SESSION_PREFIX}${id}.${secret}`;
}

/** Whether a bearer token means to be one of ours. */
export function isSessionToken(text: string): boolean {
  return text.startsWith(SESSION_PREFIX);
}

export function parseSessionToken(text: string): ConsoleProof | undefined {
  return proofOf(SESSION.exec(text));
}

function proofOf(found: RegExpExecArray | null): ConsoleProof | undefined {
  const [, id, secret] = found ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export function linkSecretName(id: string): string {
  return `console-link-${id}`;
}

export function sessionSecretName(id: string): string {
  return `console-session-${id}`;
}

/** `https://director/console/#code=…`. */
export function consoleLink(director: string, code: string): string {
  return `${director.replace(/\/+$/, '')}${CONSOLE_PATH}#code=${code}`;
}

/** Values of the Secret's `data`, before base64; the same for links and sessions. */
export interface ConsoleFields {
  /** Hex SHA-256 of the secret. */
  readonly tokenHash: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  /** Whose rights it carries: an administrator's name. */
  readonly user: string;
}

export function consoleData({ tokenHash, expiresAt, user }: ConsoleFields): Record<string, string> {
  return { tokenHash, expiresAt, user };
}

/** Undoes `consoleData`; `type` and `data` (decoded) as in the Secret, which must be of the type `wanted`. */
export function readConsoleFields(
  wanted: typeof CONSOLE_LINK_TYPE | typeof CONSOLE_SESSION_TYPE,
  type: string | undefined,
  data: ReadonlyMap<string, string>,
): ConsoleFields | undefined {
  const [tokenHash, expiresAt, user] = ['tokenHash', 'expiresAt', 'user'].map((name) => data.get(name));
  if (type !== wanted || tokenHash === undefined || expiresAt === undefined || user === undefined || data.size !== 3) return undefined;
  if (!HASH.test(tokenHash) || Number.isNaN(Date.parse(expiresAt)) || user === '') return undefined;
  return { tokenHash, expiresAt, user };
}
