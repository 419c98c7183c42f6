/**
 * What a connection server says over HTTPS: the shapes of docs/reference/connection-server.md. Whoever speaks to one (pairing, the front door of a
 * site, the monitor) takes its answers apart by these; what comes from another machine is checked before it is believed.
 *
 * I1: `instance` names one life of the server: session ids begin with it, and it is never the same after a restart.
 */

import type { LicenseState } from './license-statement.ts';

/** `GET /v1/version`. */
export interface ConnectionServerVersion {
  readonly product: 'outrigger-connection-server';
  /** The name it was given by whoever runs it. */
  readonly name: string;
  readonly instance: string;
  readonly version: string;
  /** Versions of the API that it speaks. */
  readonly api: readonly string[];
}

/** `GET /v1/health`: 200 with Ok or Draining, 503 with Unhealthy. */
export interface ConnectionServerHealth {
  readonly status: 'Ok' | 'Draining' | 'Unhealthy';
  readonly message: string;
}

/** `GET /v1/capacity`. */
export interface ConnectionServerCapacity {
  readonly capacity: number;
  readonly used: number;
  readonly free: number;
  readonly draining: boolean;
}

/** `POST /v1/sessions` with `{"user": "…"}`: 201. */
export interface ConnectionServerSession {
  /** `<instance>.<random>`. A secret: who has it may connect. */
  readonly id: string;
  readonly user: string;
  /** Path of the WebSocket. */
  readonly connect: string;
}

/** `GET /v1/sessions`. */
export interface ConnectionServerSessions {
  /** Sessions that exist, connected or not. */
  readonly concurrent: number;
  readonly connected: number;
  /** The most that existed at a time in this life of the server. */
  readonly peakConcurrent: number;
  /** The first 32 hex digits of SHA-256 of the name of each user seen in this life of the server: the same on every connection server. */
  readonly users: readonly string[];
}

/** `GET` and `PUT /v1/license`. */
export interface ConnectionServerLicense {
  readonly serial: number;
  readonly state: LicenseState;
  /** A sentence for people. */
  readonly message: string;
  /** False: nobody told this server by which authority to verify, so it only shows what the statement says. */
  readonly verified: boolean;
  readonly token: string;
}

/** `PUT` and `DELETE /v1/drain`. */
export interface ConnectionServerDrain {
  readonly draining: boolean;
  readonly sessions: number;
}

export const CONNECTION_SERVER_REFUSALS = [
  'BadRequest',
  'LogInNeeded',
  'TooManyLogIns',
  'NotFound',
  'MethodNotAllowed',
  'AlreadyConnected',
  'OlderLicense',
  'LicenseUntrusted',
  'TooLarge',
  'UpgradeNeeded',
  'AtCapacity',
  'Draining',
  'BackendDown',
] as const;

/** The body of every refusal. */
export interface ConnectionServerRefusal {
  readonly code: (typeof CONNECTION_SERVER_REFUSALS)[number];
  /** A sentence for people. */
  readonly message: string;
}
