/**
 * Law of the lock file: it must install from any registry, on any machine.
 *
 * It keeps integrity, not addresses; and it names every optional package that its packages ask for, because npm ci refuses it otherwise.
 */
import { lackingOptionals } from '../../lock/optional.ts';
import type { LockFile } from '../../lock/optional.ts';
import { lineAt } from '../tree.ts';
import type { Finding, Law, TreeFile } from '../tree.ts';

export const lockFile: Law = {
  name: 'lock-file',
  perFile: false,
  judge: (tree) => tree.files.filter((file) => file.path === 'package-lock.json').flatMap((file) => [...addresses(file), ...lacking(file)]),
};

function addresses(file: TreeFile): Finding[] {
  return [...file.text.matchAll(/"resolved":\s*"https?:/g)].slice(0, 3).map((match) => ({
    law: 'lock-file',
    path: file.path,
    line: lineAt(file.text, match.index),
    says: '"resolved" holds a host: keep omit-lockfile-registry-resolved in .npmrc and run npm install again',
  }));
}

function lacking(file: TreeFile): Finding[] {
  const names = lackingOptionals(JSON.parse(file.text) as LockFile).map(({ name }) => name);
  if (names.length === 0) return [];
  const says = `lacks ${names.length} optional packages (${names[0]}, …), npm ci would refuse it: run node tools/lock/complete.ts`;
  return [{ law: 'lock-file', path: file.path, line: 1, says }];
}
