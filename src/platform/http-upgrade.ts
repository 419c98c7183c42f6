/**
 * A request of HTTP/1.1 to speak WebSocket, behind the door of src/ports/http.ts.
 *
 * I1: it is either taken (its stream is used) or refused; a refusal is a whole HTTP answer and the end of the connection.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpHeaders, HttpPeer, HttpUpgrade } from '../ports/http.ts';
import { flatHeaders } from './http-1.ts';
import { STATUS_CODES } from './node-http.ts';

export class Http1Upgrade implements HttpUpgrade {
  readonly method: string;
  readonly target: string;
  readonly peer: HttpPeer;
  readonly stream: Socket;
  /** For libraries that want Node's own object (`ws`). */
  readonly incoming: IncomingMessage;

  constructor(incoming: IncomingMessage, stream: Socket, peer: HttpPeer) {
    this.incoming = incoming;
    this.method = incoming.method ?? '';
    this.target = incoming.url ?? '';
    this.stream = stream;
    this.peer = peer;
  }

  header(name: string): string | undefined {
    const value = this.incoming.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  headers(): HttpHeaders {
    return flatHeaders(this.incoming);
  }

  accept(headers: HttpHeaders): Socket {
    this.stream.write(head(101, ['upgrade', 'websocket', 'connection', 'Upgrade', ...headers]));
    return this.stream;
  }

  refuse(status: number, headers: HttpHeaders, body: Buffer): void {
    this.stream.write(head(status, ['connection', 'close', 'content-length', String(body.length), ...headers]));
    this.stream.end(body);
    // A peer that does not end its half would keep the connection.
    this.stream.destroySoon();
  }
}

function head(status: number, headers: HttpHeaders): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
