/**
 * The door to loopback networks: the addresses of the `process` driver, on machines where many data folders may live side by side.
 *
 * I1: two claims of one machine (network namespace) never hold the same network at the same time.
 */

export interface LoopbackClaim {
  /** N of 127.77.N.0/24. */
  readonly network: number;
  release(): void;
}

export interface LoopbackNetworks {
  /**
   * Claims a network until it is released or this process ends.
   * `preferred`: the one to have if possible. `occupied`: true when our own nodes still listen on it, so listeners there are no hindrance.
   * Throws `Fault` PortTaken when none is free.
   */
  claim(preferred: number | undefined, occupied: boolean): Promise<LoopbackClaim>;
  /** Last octets of the addresses of this network on which somebody listens. */
  listening(network: number): readonly number[];
}
