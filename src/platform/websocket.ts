/**
 * WebSockets on the server's side: the one door to `ws`.
 *
 * I1: no frame beyond `sessionFrameBytes` is held in memory, and nothing is compressed, so that nothing small becomes large.
 */

import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { assert } from '../base/assert.ts';
import { LIMITS } from '../model/limits.ts';
import type { HttpUpgrade } from '../ports/http.ts';
import { Http1Upgrade } from './http-upgrade.ts';

export type { WebSocket } from 'ws';

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: LIMITS.sessionFrameBytes,
  // Text is only ever the word `end`, and looked at as bytes.
  skipUTF8Validation: true,
});

/** Answers the upgrade. Undefined: it was malformed, or the peer went away; it has been answered as far as that goes. */
export function acceptWebSocket(upgrade: HttpUpgrade): Promise<WebSocket | undefined> {
  assert(upgrade instanceof Http1Upgrade, 'only HTTP/1.1 upgrades become WebSockets');
  return new Promise((done) => {
    upgrade.stream.once('close', () => done(undefined));
    // What the peer sent right after its head was put back into the stream.
    server.handleUpgrade(upgrade.incoming, upgrade.stream, Buffer.alloc(0), done);
  });
}
