/**
 * Identity and rights of one director, put together: what src/main/director.ts opens, and the API layer asks.
 *
 * Opening makes what is missing in the store (authority, signing keys, bundled namespaces and roles); several directors may do so at once.
 */

import type { Clock } from '../../ports/clock.ts';
import type { Jws } from '../../ports/jws.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { EntityStore } from '../../ports/store.ts';
import type { CertificateIssuer } from '../../ports/x509.ts';
import { createAuthenticator } from './authenticator.ts';
import { openAuthority } from './authority.ts';
import type { IssuedWithKey, StoreAuthority } from './authority.ts';
import { openAuthorizer } from './authorizer.ts';
import { applyBundle } from './bundle.ts';
import { bundledObjects, ROLES_BUNDLE } from './bundled-objects.ts';
import { createConsoleSessions } from './console-session.ts';
import { CONSOLE_SESSION_PATH } from '../../model/console-session.ts';
import type { NewJoinSecret } from '../../ports/join-secret.ts';
import type { Authenticator, Authorizer, OwnPaths, Reviews } from './identity.ts';
import { holdsLivingAdmin, renderKubeconfig } from './kubeconfig.ts';
import { createOwnPaths } from './own-paths.ts';
import { openRelations } from './relations.ts';
import type { Relations } from './relations.ts';
import { createReviews } from './reviews.ts';
import { openServiceAccountTokens } from './service-account.ts';
import { openStanding } from './standing.ts';
import type { Standing } from './standing.ts';
import { keepServingCertificate, makeServingCertificate } from './serving-certificate.ts';
import { sweepTokensForever } from './token-sweep.ts';

export interface AuthParts {
  /** Opened over a sealed backend. */
  readonly store: EntityStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly x509: CertificateIssuer;
  readonly jws: Jws;
  readonly newSecret: NewJoinSecret;
  /** Of this program, for `hello`. */
  readonly version: string;
}

export interface Auth {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly ownPaths: OwnPaths;
  readonly reviews: Reviews;
  readonly authority: StoreAuthority;
  readonly relations: Relations;
  readonly standing: Standing;
  /** A serving certificate (chain and key) for localhost and `names`. */
  servingCertificate(names: readonly string[]): Promise<IssuedWithKey>;
  /** Replaces it in time, until the signal aborts; `onRenewed` takes each new one over (`server.setSecureContext`). */
  keepServingCertificate(
    first: IssuedWithKey,
    names: readonly string[],
    onRenewed: (next: IssuedWithKey) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** A kubeconfig for an admin, YAML, with a new key in it: mode 0600. `server` is `https://host:port`. */
  adminKubeconfig(server: string): Promise<string>;
  /** Is `kubeconfig` one of ours, for `server`, with months to live? Then it need not be written again. */
  isLivingKubeconfig(kubeconfig: string, server: string): boolean;
  /** What goes on in the background (expired tokens are swept), until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Stops following the store. */
  close(): void;
}

export async function openAuth(parts: AuthParts, signal: AbortSignal): Promise<Auth> {
  const { store, clock, log, x509, version } = parts;
  const applied = await applyBundle(parts, ROLES_BUNDLE, bundledObjects(), signal);
  if (applied > 0) log.info('Wrote bundled namespaces and roles.', { objects: applied });
  const authority = await openAuthority(parts, signal);
  const tokens = await openServiceAccountTokens(parts, signal);
  const authorizer = openAuthorizer({ store, clock });
  const relations = openRelations(store);
  const standing = openStanding({ store, relations });
  const sessions = createConsoleSessions(parts);
  const authenticator = createAuthenticator({ store, clock, x509, caCertificate: authority.certificatePem, tokens, sessions, standing });
  const ownPaths = createOwnPaths({ store, clock, log, x509, authority, relations, authenticator, version });
  ownPaths.add(CONSOLE_SESSION_PATH, sessions.route);
  return {
    authenticator,
    authorizer,
    authority,
    relations,
    standing,
    ownPaths,
    reviews: createReviews({ store, tokens, authorizer }),
    servingCertificate: (names) => makeServingCertificate(authority, names),
    keepServingCertificate: (first, names, onRenewed, until) =>
      keepServingCertificate({ authority, clock, log }, first, names, onRenewed, until),
    adminKubeconfig: async (server) => renderKubeconfig(server, authority.certificatePem, await authority.issueAdmin('admin')),
    isLivingKubeconfig: (kubeconfig, server) => holdsLivingAdmin({ x509, authority, clock }, kubeconfig, server),
    run: (until) => sweepTokensForever({ store, clock, log }, until),
    close: () => {
      standing.close();
      authorizer.close();
      relations.close();
    },
  };
}
