/**
 * Connection servers of the simulated sites: what they show, whether they answer, and which cluster's license they hold.
 */

export interface SimConnectionServer {
  readonly host: string;
  /** `sha256:<hex>` of the certificate that it shows. */
  thumbprint: string;
  /** Every one that it ever showed. */
  readonly shown: Set<string>;
  /** Answers nobody until then. */
  downUntilMs: number;
  /** While it is down nothing comes back at all; else it refuses at once. */
  isMute: boolean;
  /** Says that it is not healthy until then. */
  illUntilMs: number;
  /** Lets nobody in without a log-in. */
  readonly asksLogIn: boolean;
  /** `<uid of the site>/<uid of the cluster>` whose license it holds. */
  licenseOf: string | undefined;
}

/** 64 digits of `text`, for a thumbprint. */
export function thumbprintOf(text: string): string {
  return `sha256:${Buffer.from(text, 'utf8').toString('hex').padEnd(64, '0').slice(-64)}`;
}

export function createConnectionServer(host: string, asksLogIn: boolean): SimConnectionServer {
  const thumbprint = thumbprintOf(`${host}-0`);
  return {
    host,
    thumbprint,
    shown: new Set([thumbprint]),
    downUntilMs: 0,
    isMute: false,
    illUntilMs: 0,
    asksLogIn,
    licenseOf: undefined,
  };
}

/** A new certificate: what is pinned is wrong from now on. */
export function replaceCertificate(server: SimConnectionServer): void {
  server.thumbprint = thumbprintOf(`${server.host}-${server.shown.size}`);
  server.shown.add(server.thumbprint);
}
