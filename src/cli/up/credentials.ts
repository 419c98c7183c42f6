/**
 * What the parts log in with: the token of the extension servers, and the token by which this machine's host joins.
 *
 * I1: each secret lies in a file that only its owner may read, never in a command line.
 */

import { createJoinToken } from '../../client/join-token.ts';
import { joinFileOf } from '../data-folder.ts';
import type { DataPaths } from '../data-folder.ts';
import { Fault } from '../../model/fault.ts';
import { isJsonObject } from '../../model/json.ts';
import type { AdminAccess, UpDeps } from './deps.ts';

const SYSTEM_NAMESPACE = 'outrigger-system';
const OWNER_ONLY = 0o600;
/** How long a token of the extension servers holds; it is replaced long before. */
const TOKEN_TTL_SECONDS = 24 * 3600;
const TOKEN_REPLACE_MS = 6 * 3600 * 1000;
const RETRY_MS = 30_000;

export function extensionKubeconfig(paths: DataPaths): string {
  return `${paths.runFolder}/extension.kubeconfig`;
}

/** Writes the extension servers' kubeconfig and its token. */
export async function prepareExtension(deps: UpDeps, admin: AdminAccess, director: string, signal: AbortSignal): Promise<void> {
  const tokenFile = `${deps.paths.runFolder}/extension.token`;
  await replaceToken(deps, admin, tokenFile, signal);
  deps.files.writeText(extensionKubeconfig(deps.paths), deps.tokenKubeconfig(director, admin.authorityPem, tokenFile), OWNER_ONLY);
}

/** Replaces the token in time, until the signal aborts; a failure is tried again. */
export async function keepToken(deps: UpDeps, signal: AbortSignal): Promise<void> {
  let pauseMs = TOKEN_REPLACE_MS;
  while (!signal.aborted) {
    await deps.clock.sleep(pauseMs, signal).catch(() => undefined);
    const admin = deps.admin();
    if (signal.aborted || admin === undefined) continue;
    pauseMs = await replaceToken(deps, admin, `${deps.paths.runFolder}/extension.token`, signal).then(
      () => TOKEN_REPLACE_MS,
      () => RETRY_MS,
    );
  }
}

async function replaceToken(deps: UpDeps, admin: AdminAccess, file: string, signal: AbortSignal): Promise<void> {
  const path = `/api/v1/namespaces/${SYSTEM_NAMESPACE}/serviceaccounts/extension/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [], expirationSeconds: TOKEN_TTL_SECONDS },
  };
  const answer = await admin.api.post(path, request, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `No token was given for the extension servers: ${answer.message}`);
  const status = isJsonObject(answer.value) ? answer.value['status'] : undefined;
  const token = isJsonObject(status) ? status['token'] : undefined;
  if (typeof token !== 'string')
    throw new Fault('DirectorAnswerInvalid', 'The director answered a request for a token with something that is none.');
  deps.files.writeText(file, token, OWNER_ONLY);
}

/** Leaves a join token for this machine's host, unless it has joined this control plane already. */
export async function prepareHost(deps: UpDeps, admin: AdminAccess, director: string, signal: AbortSignal): Promise<void> {
  if ((await deps.joinedCaHash()) === admin.caHash) return;
  const order = { namespace: SYSTEM_NAMESPACE, bearer: { kind: 'host', name: deps.hostName }, nowMs: deps.clock.nowMs() } as const;
  const token = await createJoinToken(admin.api, deps.newJoinSecret, order, signal);
  if (!token.ok) throw new Fault('DirectorRefused', `No token was made for this machine's host: ${token.message}`);
  const content = { directors: [director], caHash: admin.caHash, token: token.value };
  deps.files.ensureFolder(deps.paths.hostFolder, 0o700);
  deps.files.writeText(joinFileOf(deps.paths), `${JSON.stringify(content)}\n`, OWNER_ONLY);
}
