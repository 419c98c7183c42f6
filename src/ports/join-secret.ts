/**
 * The door to the making of join tokens: dice and hashing, which only the platform has.
 */

export interface JoinSecret {
  /** 10 of [a-z0-9]: names the token; no secret. */
  readonly id: string;
  /** 32 of [a-z0-9]: never stored, shown once. */
  readonly secret: string;
  /** Hex SHA-256 of `secret`. */
  readonly hash: string;
}

export type NewJoinSecret = () => JoinSecret;
