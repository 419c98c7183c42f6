/**
 * Every TCP port that Outrigger listens on by default, in one table.
 *
 * `--port 0` makes `outrigger up` pick free ones; `<data>/endpoints.json` then names them.
 */

export const PORTS = {
  /** The director: API, console, join, tunnels; all by ALPN on one TLS port. */
  director: 7443,
  /** Of each node, on its own address: the other nodes of its cluster, by mutual TLS. */
  peer: 7444,
  /** Of each node, on its own address: the portal, over TLS. */
  portal: 7445,
  /** Of each node, balanced: the framework services of the bundled releases. */
  connectorClient: 7451,
  cloudProxy: 7452,
  connectionServerProxy: 8443,
  /** Health of a monitor, on its pod's own address: whether it scrapes and keeps. */
  monitor: 7453,
  /** A connection server, where nothing else is said. */
  connectionServer: 9443,
  /** Health and metrics of an extension server, on loopback; 0: picked. */
  extensionHealth: 0,
} as const;

/** Loopback networks of the `process` driver: one free 127.77.N.0/24 a data folder. */
export const LOOPBACK_PREFIX = '127.77';
/** Node i of a host has .(10·i), its pods .(10·i+1 … 9). */
export const LOOPBACK_NODE_STRIDE = 10;
/** Slots of a /24: nodes 1 to 24. */
export const LOOPBACK_NODE_SLOTS = 24;
