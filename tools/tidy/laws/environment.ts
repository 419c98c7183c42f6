/**
 * Law of the environment: the names that start with OUTRIGGER_ are a closed vocabulary.
 *
 * A name is in it when the table of settings (src/model/settings.ts) holds it, or when it stands below with its reason. A misspelled
 * variable is otherwise a setting that silently does nothing.
 */
import { lineAt } from '../tree.ts';
import type { Law, Tree } from '../tree.ts';

const SETTINGS_PATH = 'src/model/settings.ts';

/** Names that are not settings: marks on processes, and switches of the tools. */
const OTHERS: Readonly<Record<string, string>> = {
  OUTRIGGER_BENCH_PROFILE: 'where the extension servers of the benches leave CPU profiles',
  OUTRIGGER_PROT: 'a misspelled setting, in the test of what is said about one',
  OUTRIGGER_STORE_KEY_FILE: 'where the key that seals Secrets lies, when not in the data folder',
};

const NAME = /\bOUTRIGGER_[A-Z0-9_]*[A-Z0-9]\b/g;

export const environmentNames: Law = {
  name: 'environment-names',
  perFile: false,
  judge: (tree) => {
    const known = new Set([...Object.keys(OTHERS), ...settingNames(tree)]);
    return tree.files
      .filter((file) => file.path !== SETTINGS_PATH)
      .flatMap((file) =>
        [...file.text.matchAll(NAME)]
          .filter((match) => !known.has(match[0]))
          .map((match) => ({
            law: 'environment-names',
            path: file.path,
            line: lineAt(file.text, match.index),
            says: `"${match[0]}" is in no table: add it to ${SETTINGS_PATH}, or to tools/tidy/laws/environment.ts when it is no setting`,
          })),
      );
  },
};

/** Names in the table of settings: as they stand there, and those that follow from camel case names of settings (`leaseTtlMs`). */
function settingNames(tree: Tree): string[] {
  const table = tree.files.find((file) => file.path === SETTINGS_PATH)?.text ?? '';
  const literal = [...table.matchAll(NAME)].map((match) => match[0]);
  const keys = [...table.matchAll(/^\s*(?:name:\s*)?['"]?([a-z][A-Za-z0-9-]*)['"]?\s*[:,]/gm)].map((match) => match[1] ?? '');
  const derived = keys.map(
    (key) =>
      `OUTRIGGER_${key
        .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
        .replaceAll('-', '_')
        .toUpperCase()}`,
  );
  return [...literal, ...derived];
}
