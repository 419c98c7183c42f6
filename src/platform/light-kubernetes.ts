/**
 * The official Kubernetes client without its models.
 *
 * What reads kubeconfigs and logs in (its config.js) is small, but it imports the generated clients of every kind that Kubernetes has, for a method
 * that nothing of ours calls. Loading those took 1.7 s and 40 MB of every extension server and every command.
 *
 * I1: only that import of that module is left out; everything else, and every other version of the client, loads as it is.
 */

import { registerHooks } from 'node:module';

const IMPORTER = '/@kubernetes/client-node/dist/config.js';
const MODELS = './gen/index.js';
/** What that method would use. */
const NOTHING = 'data:text/javascript,export const createConfiguration = undefined, ServerConfiguration = undefined;';

/** Holds for what is loaded from now on. */
export function leaveOutKubernetesModels(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === MODELS && context.parentURL?.endsWith(IMPORTER) === true
        ? { url: NOTHING, format: 'module', shortCircuit: true }
        : next(specifier, context),
  });
}
