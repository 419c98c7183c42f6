/**
 * `Fault`: the one class for failures of the world, with a code from a closed catalog.
 *
 * A fault is neither a broken promise of the code (that is an assertion) nor an answer that one can expect (that is a value). Each code
 * knows its HTTP status, the `reason` of a Kubernetes `Status`, the exit code of a command, and whether trying again may help, so that no caller decides that anew.
 *
 * I1: every code has one row in the catalog, and nothing outside of the catalog is a code.
 * I2: the message is a whole sentence for a person: what, why, what to do. It never holds a secret.
 */

/** Exit codes of every command: 0 ok, 1 failed or promise broken, 2 usage, 3 refused, 4 unreachable, 5 timed out. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5;

interface FaultRow {
  readonly http: number;
  /** `reason` of the Kubernetes Status that carries it. */
  readonly reason: string;
  readonly exit: ExitCode;
  /** Never: trying again cannot help. Later: after a back-off. Unknown: a write may have happened; look before trying again. */
  readonly retry: 'never' | 'later' | 'unknown';
}

export const FAULTS = {
  StoreUnavailable: { http: 503, reason: 'ServiceUnavailable', exit: 4, retry: 'later' },
  StoreTimeout: { http: 503, reason: 'ServiceUnavailable', exit: 5, retry: 'later' },
  WriteOutcomeUnknown: { http: 504, reason: 'Timeout', exit: 5, retry: 'unknown' },
  StoreSchemaNewer: { http: 503, reason: 'ServiceUnavailable', exit: 1, retry: 'never' },
  StoreForeign: { http: 503, reason: 'ServiceUnavailable', exit: 1, retry: 'never' },
  DirectorUnreachable: { http: 503, reason: 'ServiceUnavailable', exit: 4, retry: 'later' },
  DirectorRefused: { http: 403, reason: 'Forbidden', exit: 3, retry: 'never' },
  DirectorOutdated: { http: 503, reason: 'ServiceUnavailable', exit: 4, retry: 'later' },
  DirectorAnswerInvalid: { http: 502, reason: 'InternalError', exit: 1, retry: 'later' },
  PeerUnreachable: { http: 502, reason: 'ServiceUnavailable', exit: 4, retry: 'later' },
  PeerUntrusted: { http: 502, reason: 'ServiceUnavailable', exit: 3, retry: 'never' },
  PeerAnswerInvalid: { http: 502, reason: 'ServiceUnavailable', exit: 1, retry: 'later' },
  DeadlineExceeded: { http: 504, reason: 'Timeout', exit: 5, retry: 'later' },
  Overloaded: { http: 429, reason: 'TooManyRequests', exit: 5, retry: 'later' },
  Aborted: { http: 503, reason: 'ServiceUnavailable', exit: 1, retry: 'later' },
  FolderUnwritable: { http: 500, reason: 'InternalError', exit: 1, retry: 'never' },
  DiskFull: { http: 503, reason: 'ServiceUnavailable', exit: 1, retry: 'later' },
  ProgramMissing: { http: 500, reason: 'InternalError', exit: 1, retry: 'never' },
  ProgramFailed: { http: 500, reason: 'InternalError', exit: 1, retry: 'later' },
  PortTaken: { http: 500, reason: 'InternalError', exit: 1, retry: 'never' },
  AlreadyRunning: { http: 500, reason: 'InternalError', exit: 1, retry: 'never' },
  SettingInvalid: { http: 500, reason: 'InternalError', exit: 2, retry: 'never' },
  UsageWrong: { http: 400, reason: 'BadRequest', exit: 2, retry: 'never' },
  CredentialInvalid: { http: 401, reason: 'Unauthorized', exit: 3, retry: 'never' },
  CertificateInvalid: { http: 401, reason: 'Unauthorized', exit: 3, retry: 'never' },
  JoinRefused: { http: 403, reason: 'Forbidden', exit: 3, retry: 'never' },
  SealBroken: { http: 500, reason: 'InternalError', exit: 1, retry: 'never' },
  NodeStoreDamaged: { http: 500, reason: 'InternalError', exit: 1, retry: 'never' },
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof FAULTS;

/** The world failed. `message` is a sentence for a person; `cause` is what the platform said. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get row(): FaultRow {
    return FAULTS[this.code];
  }
}

export function isFault(value: unknown, code?: FaultCode): value is Fault {
  return value instanceof Fault && (code === undefined || value.code === code);
}
