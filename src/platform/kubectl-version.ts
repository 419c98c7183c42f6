/**
 * Which kubectl a person would call here.
 */

import { execFile } from 'node:child_process';
import { isJsonObject } from '../model/json.ts';

/** It asks nobody, so it answers at once. */
const DEADLINE_MS = 5_000;

/** `v1.32.0`; undefined: there is none in the PATH, or it says something else. */
export function kubectlVersion(): Promise<string | undefined> {
  return new Promise((done) => {
    execFile('kubectl', ['version', '--client', '-o', 'json'], { timeout: DEADLINE_MS }, (error, output) => {
      done(error === null ? versionIn(output) : undefined);
    });
  });
}

function versionIn(output: string): string | undefined {
  try {
    const said: unknown = JSON.parse(output);
    const client = isJsonObject(said) ? said['clientVersion'] : undefined;
    const version = isJsonObject(client) ? client['gitVersion'] : undefined;
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
