/**
 * Node's TCP handles: what `node:net` wraps, without the streams around them. The relay's connections live for one request, or carry small pieces: there
 * the streams cost more than all else that is done (docs/decisions/0017-relay-handles.md has the figures).
 *
 * They are no public interface of Node. So all that is known of them stands here, and they are used only where they are as this file knows them.
 *
 * I1: `tcpHandles` is undefined where anything is missing; who asked then uses `node:net`.
 * I2: a handle's buffer must not be touched, nor given to another handle, until the handle is closed or told of another.
 */

import type { Server } from 'node:net';

/** Results of calls: 0, or an error of libuv, which is negative. */
export interface TcpHandle {
  /** Called for each read, see `TcpHandles.readResult`. */
  onread: (this: TcpHandle) => Buffer | undefined;
  /** The first buffer to read into; `onread` may return another. */
  useUserBuffer(buffer: Buffer): void;
  readStart(): number;
  readStop(): number;
  /** The kernel is given it at once if it takes it all; else see `TcpHandles.wroteLater`. */
  writeBuffer(request: HandleRequest, bytes: Buffer): number;
  writeLatin1String(request: HandleRequest, text: string): number;
  shutdown(request: HandleRequest): number;
  close(): void;
  /** Not while a shutdown is under way: the handle would never be closed. */
  reset(): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, idleSeconds: number): number;
  connect(request: HandleRequest, ip: string, port: number): number;
  connect6(request: HandleRequest, ip: string, port: number): number;
  getpeername(out: HandleAddress): number;
  getsockname(out: HandleAddress): number;
}

/** What is called back; each for one call that is finished later. Not told when the call itself failed. */
export interface HandleRequest {
  oncomplete: (this: HandleRequest, status: number) => void;
}

export interface HandleAddress {
  address?: string;
  port?: number;
}

export interface TcpHandles {
  handle(): TcpHandle;
  connectRequest(): HandleRequest;
  writeRequest(): HandleRequest;
  shutdownRequest(): HandleRequest;
  /** In `onread`: so many bytes, END or an error. */
  readResult(): number;
  /** After a write that did not fail: true when its request is called back, false when nothing of it is left and the request may be used again. */
  wroteLater(): boolean;
  /** From now on `server`, which listens, shows each connection as a handle first; where the answer is false it goes on as a connection of `server`. */
  takeFrom(server: Server, take: (handle: TcpHandle) => boolean): void;
}

/** A read that says: nothing more comes. */
export const END = -4095;

interface Binding {
  readonly TCP?: (new (type: number) => TcpHandle) & { readonly prototype: object };
  readonly TCPConnectWrap?: new () => HandleRequest;
  readonly WriteWrap?: new () => HandleRequest;
  readonly ShutdownWrap?: new () => HandleRequest;
  readonly constants?: { readonly SOCKET?: number };
  readonly streamBaseState?: Int32Array;
  readonly kReadBytesOrError?: number;
  readonly kLastWriteWasAsync?: number;
}

interface ListeningServer {
  readonly _handle?: { onconnection: (this: unknown, status: number, handle: TcpHandle | undefined) => void } | null;
}

const CALLED: readonly (keyof TcpHandle)[] = [
  ...(['onread', 'useUserBuffer', 'readStart', 'readStop', 'writeBuffer', 'writeLatin1String', 'shutdown', 'close', 'reset'] as const),
  ...(['setNoDelay', 'setKeepAlive', 'connect', 'connect6', 'getpeername', 'getsockname'] as const),
];

/** Undefined: this Node has none as they are known here. */
export function tcpHandles(): TcpHandles | undefined {
  const { TCP, TCPConnectWrap, constants } = bindingOf('tcp_wrap');
  const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = bindingOf('stream_wrap');
  const type = constants?.SOCKET;
  if (TCP === undefined || TCPConnectWrap === undefined || WriteWrap === undefined || ShutdownWrap === undefined) return undefined;
  if (streamBaseState === undefined || kReadBytesOrError === undefined || kLastWriteWasAsync === undefined) return undefined;
  if (type === undefined || CALLED.some((name) => !(name in TCP.prototype))) return undefined;
  return {
    handle: () => new TCP(type),
    connectRequest: () => new TCPConnectWrap(),
    writeRequest: () => new WriteWrap(),
    shutdownRequest: () => new ShutdownWrap(),
    readResult: () => streamBaseState[kReadBytesOrError] ?? 0,
    wroteLater: () => streamBaseState[kLastWriteWasAsync] !== 0,
    takeFrom: (server, take) => {
      const { _handle: listening } = server as ListeningServer;
      if (listening === undefined || listening === null) return;
      const { onconnection } = listening;
      listening.onconnection = (status, handle) => {
        if (status !== 0 || handle === undefined || !take(handle)) onconnection.call(listening, status, handle);
      };
    },
  };
}

function bindingOf(name: string): Binding {
  const { binding } = process as { binding?: (name: string) => Binding };
  try {
    return binding?.call(process, name) ?? {};
  } catch {
    // A Node with permissions (--permission) hands nothing out.
    return {};
  }
}
