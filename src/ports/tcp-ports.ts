/**
 * The door to the TCP ports of this machine, before anything listens.
 */

export interface TcpPorts {
  /** Whether somebody could listen there now. */
  isFree(address: string, port: number): Promise<boolean>;
  /** A port that is free now. */
  pickFree(address: string): Promise<number>;
  /** Who listens on the port, as far as this user may know: `node (pid 4711)`. */
  holderOf(port: number): string | undefined;
}
