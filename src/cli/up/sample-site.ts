/**
 * The sample site's own ground: ports, certificates and the account of its connection servers, before anything of it runs.
 *
 * I1: the password is random, lies in a file of its owner only, and is never on a command line.
 * I2: ports and certificates stay what they were, so that a restart changes nothing of what was paired; a port that somebody else took meanwhile is
 *     replaced.
 */

import { SITE_ADDRESS, readEndpoints } from '../data-folder.ts';
import type { UpDeps } from './deps.ts';
import type { SampleServer } from './sample.ts';

export const DESKTOP_PART = 'desktop';
const SERVER_PARTS = ['connection-server-1', 'connection-server-2'] as const;
const USERNAME = 'outrigger';
const OWNER_ONLY = 0o600;
const FOR_ALL = 0o644;
const OWNER_FOLDER = 0o700;
const PASSWORD_BYTES = 24;

export interface SampleSite {
  readonly username: string;
  readonly password: string;
  readonly passwordFile: string;
  /** The control plane's CA: only licenses that it vouches for are taken. */
  readonly authorityFile: string;
  readonly backendPort: number;
  readonly servers: readonly (SampleServer & { readonly port: number })[];
  /** By part, for endpoints.json. */
  readonly ports: Readonly<Record<string, number>>;
}

export async function prepareSite(deps: UpDeps, authorityPem: string): Promise<SampleSite> {
  const { paths, files } = deps;
  files.ensureFolder(paths.connectionServers, OWNER_FOLDER);
  const ports = await choosePorts(deps);
  const passwordFile = `${paths.connectionServers}/password`;
  const servers = await Promise.all(
    SERVER_PARTS.map(async (name) => {
      const pin = await deps.serverIdentity(`${paths.connectionServers}/${name}`, name, SITE_ADDRESS);
      const port = ports[name] ?? 0;
      return { name, port, url: `https://${SITE_ADDRESS}:${port}`, pin };
    }),
  );
  const password = passwordIn(deps, passwordFile);
  const authorityFile = `${paths.connectionServers}/authority.pem`;
  files.writeText(authorityFile, authorityPem, FOR_ALL);
  return { username: USERNAME, password, passwordFile, authorityFile, backendPort: ports[DESKTOP_PART] ?? 0, servers, ports };
}

async function choosePorts({ ports, files, paths }: UpDeps): Promise<Readonly<Record<string, number>>> {
  const remembered = readEndpoints(files, paths)?.site ?? {};
  const chosen: Record<string, number> = {};
  for (const part of [DESKTOP_PART, ...SERVER_PARTS]) {
    const before = remembered[part];
    const stays = before !== undefined && (await ports.isFree(SITE_ADDRESS, before));
    let port = stays ? before : await ports.pickFree(SITE_ADDRESS);
    // Nobody listens on those yet, so the same one may be picked twice.
    while (!stays && Object.values(chosen).includes(port)) port = await ports.pickFree(SITE_ADDRESS);
    chosen[part] = port;
  }
  return chosen;
}

function passwordIn({ files, random }: UpDeps, file: string): string {
  const known = files.readText(file)?.trim();
  if (known !== undefined && known !== '') return known;
  const password = Buffer.from(random.bytes(PASSWORD_BYTES)).toString('base64url');
  files.writeText(file, `${password}\n`, OWNER_ONLY);
  return password;
}
