/**
 * What went wrong around embedded PostgreSQL, as Faults: read from error codes and from its own last words.
 */

import { Fault } from '../../model/fault.ts';

/** A failed call to the operating system. `what` begins the sentence. */
export function worldFault(cause: unknown, what: string): Fault {
  const code = (cause as { readonly code?: unknown }).code;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new Fault('DiskFull', `${what}: its disk is full. Make room there.`, { cause });
  return new Fault('FolderUnwritable', `${what}: ${reason}. Make it writable for this user, or choose another folder with --data.`, {
    cause,
  });
}

/** Why a program of PostgreSQL ended, from the end of what it wrote. `where`: the file or folder to look at. */
export function exitFault(program: string, words: string, where: string): Fault {
  const last = lastWords(words);
  if (/No space left on device|Disk quota exceeded/i.test(words)) {
    return new Fault('DiskFull', `${program} could not go on: the disk of ${where} is full. Make room there and start again.`);
  }
  if (/Permission denied|Read-only file system|has wrong ownership|has invalid permissions/i.test(words)) {
    return new Fault('FolderUnwritable', `${program} may not use its files (${last}). Give its user the right to ${where}.`);
  }
  if (/\.s\.PGSQL\.\d+.*(?:already exists|in use)|could not (?:bind|create any Unix-domain)/i.test(words)) {
    return new Fault(
      'AlreadyRunning',
      `${program} cannot listen: another server holds its socket (${last}). Stop that one, or choose another folder with --data.`,
    );
  }
  if (/error while loading shared libraries|cannot execute|Exec format error/i.test(words)) {
    return new Fault(
      'ProgramMissing',
      `${program} cannot run on this machine (${last}). Install the packages again, or name a server with --database-url.`,
    );
  }
  if (/database files are incompatible with server|was initialized by PostgreSQL version/i.test(words)) {
    return new Fault(
      'ProgramFailed',
      `${program} is of another version than the files in ${where} (${last}). Start the version of Outrigger that made them.`,
    );
  }
  return new Fault('ProgramFailed', `${program} ended: ${last === '' ? 'it said nothing' : last}. Look at ${where}.`);
}

/** The lines that say why, joined; of what is not marked, the last one. */
export function lastWords(words: string): string {
  const lines = words.trim().split('\n');
  const marked = lines.filter((line) => /\b(?:FATAL|PANIC|ERROR|HINT|DETAIL|error|fatal):/.test(line));
  const chosen = marked.length > 0 ? marked.slice(-3) : lines.slice(-1);
  return chosen
    .map((line) => line.replace(/^.*?\b(?=FATAL|PANIC|HINT|DETAIL)/, '').trim())
    .join('; ')
    .slice(0, 600);
}
