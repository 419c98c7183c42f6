/** A server that is told its TLS identity again and again (src/platform/http-server.ts). */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Server } from 'node:tls';
import type { TlsIdentity } from '../../../src/ports/http.ts';
import { listenHttp } from '../../../src/platform/http-server.ts';
import { ensureServerIdentity, serverIdentityFiles } from '../../../src/platform/server-identity.ts';

test('makes a TLS context for another identity alone: each is native memory that the collector does not see', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const identityOf = async (name: string): Promise<TlsIdentity> => {
    await ensureServerIdentity(join(folder, name), name, ['127.0.0.1']);
    const files = serverIdentityFiles(join(folder, name));
    return { certificate: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') };
  };
  const [first, second] = [await identityOf('first'), await identityOf('second')];
  const server = await listenHttp({
    host: '127.0.0.1',
    port: 0,
    tls: first,
    handler: () => undefined,
    onError: (error) => assert.fail(String(error)),
  });
  t.after(() => server.close(0));
  const made = t.mock.method(Server.prototype, 'setSecureContext');

  server.replaceTls({ ...first });
  assert.equal(made.mock.callCount(), 0, 'what it shows already');
  server.replaceTls(second);
  server.replaceTls({ ...second });
  assert.equal(made.mock.callCount(), 1, 'another one, once');
  server.replaceTls({ ...second, clientCa: first.certificate });
  assert.equal(made.mock.callCount(), 2, 'other clients');
  server.replaceTls(first);
  assert.equal(made.mock.callCount(), 3, 'and back');
});
