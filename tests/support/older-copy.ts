/**
 * A director that is restored from an older copy of its database: everything of the center is killed (up, director, extension servers, PostgreSQL), what
 * runs at the sites goes on, and the files of PostgreSQL are put back to what they were.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { preparePostgresHome } from '../../src/platform/postgres/home.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { kill9 } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually } from './eventually.ts';

const CENTER = ['up', 'director', 'extension', 'postgres'];

/** The host daemon stays: it is the site's. */
export async function killCenter(plane: ControlPlane): Promise<void> {
  const up = plane.up();
  sendSignal(up.pid, 'SIGKILL');
  await up.ended;
  await eventually('the center is gone', () => {
    const left = plane.living().filter((one) => CENTER.includes(one.role));
    kill9(...left.map((one) => one.pid));
    return left.length === 0;
  });
}

/** While the center is gone. Returns where the copy lies. */
export function copyDatabase(plane: ControlPlane): string {
  const copy = join(plane.data, 'older-copy');
  copyAll(databaseFolder(plane), copy);
  return copy;
}

/** While the center is gone. */
export function restoreDatabase(plane: ControlPlane, copy: string): void {
  const folder = databaseFolder(plane);
  rmSync(folder, { recursive: true });
  copyAll(copy, folder);
}

function databaseFolder(plane: ControlPlane): string {
  return join(preparePostgresHome(plane.data).folder, 'data');
}

/** Owners and modes too: PostgreSQL may run as another user. */
function copyAll(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to]);
}
