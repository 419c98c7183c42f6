/**
 * Node's HTTP/1.1, without what Node loads along with it.
 *
 * `import … from 'node:http'` reads every name that module has, among them `WebSocket`, and reading that one loads all of Node's `fetch` (undici):
 * 6 MB in each of the processes that every node has. Taken as an object, nothing is read but what is used. Types may come from 'node:http' as ever.
 *
 * I1: what runs on a node loads no undici.
 */

import type { Agent as NodeAgent } from 'node:http';

export type Agent = NodeAgent;
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http');
