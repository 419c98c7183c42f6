/**
 * How commands reach the API: by the kubeconfig that is named, else by that of the data folder, else as kubectl would.
 */

import { kubernetesApi } from '../client/kubernetes.ts';
import { dataPaths } from '../cli/data-folder.ts';
import type { DataPaths } from '../cli/data-folder.ts';
import { Fault } from '../model/fault.ts';
import { systemFiles } from '../platform/files.ts';
import { parseClusterAccess } from '../platform/kubeconfig.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Files } from '../ports/files.ts';

/** Undefined when there is none of them. Throws `Fault` SettingInvalid when the one found cannot be used. */
export function apiOf(files: Files, paths: DataPaths, kubeconfig: string | undefined): EntityApi | undefined {
  const file = kubeconfigFile(files, paths, kubeconfig);
  return file === undefined ? undefined : kubernetesApi({ file });
}

interface AccessSettings {
  readonly data: string;
  readonly kubeconfig: string | undefined;
}

/** The kubeconfig of a command that cannot do without one. Throws `Fault` UsageWrong when there is none. */
export function neededKubeconfig({ data, kubeconfig }: AccessSettings): string {
  const file = kubeconfigFile(systemFiles(), dataPaths(data), kubeconfig);
  if (file !== undefined) return file;
  throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
}

/** Throws `Fault` UsageWrong when there are no credentials. */
export function neededApi(settings: AccessSettings): EntityApi {
  return kubernetesApi({ file: neededKubeconfig(settings) });
}

export function kubeconfigFile(files: Files, paths: DataPaths, kubeconfig: string | undefined): string | undefined {
  if (kubeconfig !== undefined) return kubeconfig;
  if (files.exists(paths.kubeconfig)) return paths.kubeconfig;
  const fromEnvironment = process.env['KUBECONFIG']?.split(':')[0] ?? '';
  return fromEnvironment !== '' && files.exists(fromEnvironment) ? fromEnvironment : undefined;
}

/** Where a kubeconfig leads; undefined: it is of a form that only the client understands. */
export function serverOf(files: Files, file: string | undefined): string | undefined {
  const text = file === undefined ? undefined : files.readText(file);
  if (file === undefined || text === undefined) return undefined;
  try {
    return parseClusterAccess(text, file).server;
  } catch {
    return undefined;
  }
}
