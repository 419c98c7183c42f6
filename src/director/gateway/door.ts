/**
 * What the API layer sees of the gateway: whose paths lead through tunnels, and that it answers them.
 */

import type { HttpRequest, HttpResponse } from '../../ports/http.ts';

/** One request was answered, after `ms`. */
export type CountRequest = (verb: string, code: number, ms: number) => void;

export interface GatewayDoor {
  serves(target: string): boolean;
  /** Answers by itself, whatever happens. */
  handle(request: HttpRequest, response: HttpResponse, count: CountRequest): void;
  /** Tunnels that are open here. */
  tunnels(): number;
}
