/**
 * Reads a kubeconfig as the director writes it: one cluster, one client certificate. And writes one for whoever logs in by a token file.
 */

import { dirname, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { Fault } from '../model/fault.ts';
import { isJsonObject } from '../model/json.ts';
import type { Identity } from '../ports/director.ts';

export interface AdminAccess {
  readonly server: string;
  readonly identity: Identity;
}

export interface ClusterAccess {
  readonly server: string;
  /** PEM. */
  readonly authority: string;
}

/** Address and CA. Throws `Fault` SettingInvalid when they are not there. `path` is for the sentence. */
export function parseClusterAccess(text: string, path: string): ClusterAccess {
  const cluster = field(first(parse(text), 'clusters'), 'cluster');
  const server = field(cluster, 'server');
  const authority = decoded(field(cluster, 'certificate-authority-data'));
  if (typeof server === 'string' && authority !== undefined) return { server, authority };
  throw new Fault('SettingInvalid', `${path} does not name a server and its CA (server, certificate-authority-data).`);
}

/** Access with a client certificate. Throws `Fault` SettingInvalid when the file is not of that form. */
export function parseAdminKubeconfig(text: string, path: string): AdminAccess {
  const { server, authority } = parseClusterAccess(text, path);
  const user = field(first(parse(text), 'users'), 'user');
  const certificate = decoded(field(user, 'client-certificate-data'));
  const privateKey = decoded(field(user, 'client-key-data'));
  if (certificate === undefined || privateKey === undefined) {
    throw new Fault('SettingInvalid', `${path} is not the kubeconfig that the director wrote; remove it and start again.`);
  }
  return { server, identity: { authority, certificate, privateKey } };
}

/**
 * The bearer token of the current context's user, as it lies in the kubeconfig or in the file that it names (as kubectl has it, or as the official
 * client does); undefined: it logs in another way. Throws `Fault` SettingInvalid when the kubeconfig is none, FolderUnwritable when a file cannot be read.
 */
export function bearerToken(path: string, readText: (path: string) => string | undefined): string | undefined {
  const content = parsed(readText(path) ?? '', path);
  const context = named(content, 'contexts', field(content, 'current-context'));
  const user = field(named(content, 'users', field(field(context, 'context'), 'user')), 'user');
  const config = field(field(user, 'auth-provider'), 'config');
  const file = field(user, 'tokenFile') ?? field(config, 'tokenFile');
  const token = typeof file === 'string' ? readText(resolve(dirname(path), file)) : field(user, 'token');
  return typeof token === 'string' && token.trim() !== '' ? token.trim() : undefined;
}

function parsed(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new Fault('SettingInvalid', `The kubeconfig ${path} is not YAML.`, { cause });
  }
}

function named(content: unknown, list: string, name: unknown): unknown {
  const items = field(content, list);
  return Array.isArray(items) ? (items as unknown[]).find((item) => field(item, 'name') === name) : undefined;
}

/** A kubeconfig whose bearer reads the token from `tokenFile` again and again. */
export function tokenKubeconfig(server: string, authorityPem: string, tokenFile: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'outrigger', cluster: { server, 'certificate-authority-data': Buffer.from(authorityPem).toString('base64') } }],
    // The official client's own notation; kubectl has another.
    users: [{ name: 'bearer', user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } }],
    contexts: [{ name: 'outrigger', context: { cluster: 'outrigger', user: 'bearer' } }],
    'current-context': 'outrigger',
  });
}

function first(content: unknown, list: string): unknown {
  const items = field(content, list);
  return Array.isArray(items) ? (items[0] as unknown) : undefined;
}

function field(content: unknown, name: string): unknown {
  return isJsonObject(content) ? content[name] : undefined;
}

function decoded(value: unknown): string | undefined {
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
}
