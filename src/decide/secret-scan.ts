/**
 * Finds what looks like a secret in text that is to leave a node: the second look, after an allow-list of fields decided what is in there at all.
 *
 * I1: what is found is replaced as a whole; the answer never holds a part of it.
 * I2: values that are known to be secret here are found also where they look like nothing.
 */

export interface Scanned {
  readonly text: string;
  /** How many were taken out, by what they looked like. */
  readonly found: Readonly<Record<string, number>>;
}

/** Each matches in linear time: no repetition stands within another. */
const LOOKS: readonly (readonly [string, RegExp])[] = [
  ['private key', /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]{0,8000}(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?/g],
  // PKCS#8 of P-256 and of Ed25519 in base64, without its armor.
  ['private key', /M(?:IGHAgEAMBMGByqGSM49|C4CAQAwBQYDK2Vw)[A-Za-z0-9+/=\\]{20,400}/g],
  ['join token', /\b[a-z0-9][-a-z0-9]{0,62}\.[a-z0-9]{10}\.[a-z0-9]{32}\b/g],
  ['signed token', /\beyJ[-\w]{8,8000}\.[-\w]{8,8000}\.[-\w]{16,2000}/g],
  ['authorization', /\b(?:authorization|proxy-authorization|cookie|set-cookie)["']?\s?[:=]\s?["']?[^\r\n"']{4,4000}/gi],
  ['authorization', /\b(?:Basic|Bearer) [A-Za-z0-9+/=._~-]{8,8000}/g],
  ['credentials in a URL', /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{1,200}:[^\s/@]{1,200}@/gi],
  [
    'password',
    /["']?\b(?:password|passwd|secret|private_?key|api_?key|token)["']?\s?[:=]\s?(?:"[^"\r\n]{1,4000}"|'[^'\r\n]{1,4000}'|[^\s"',;}]{4,4000})/gi,
  ],
];

/** Shorter ones would be found everywhere. */
const KNOWN_CHARS = 6;

/** `known`: values that are secret, as they are. */
export function withoutSecrets(text: string, known: readonly string[]): Scanned {
  const found: Record<string, number> = {};
  const take = (what: string) => (): string => {
    found[what] = (found[what] ?? 0) + 1;
    return `[${what} removed]`;
  };
  let rest = text;
  for (const form of new Set(known.filter((one) => one.length >= KNOWN_CHARS).flatMap(formsOf)))
    rest = rest.replaceAll(form, take('known secret'));
  for (const [what, look] of LOOKS) rest = rest.replaceAll(look, take(what));
  return { text: rest, found };
}

/** As it is, and as it stands in JSON and in a URL. */
function formsOf(secret: string): readonly string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
}
