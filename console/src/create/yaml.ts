/**
 * An object of the API as YAML that `kubectl apply -f` takes. Pure.
 *
 * I1: whoever reads it back has the same object.
 */

type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** Never read as anything but text, in no version of YAML. */
const PLAIN = /^[A-Za-z][\w./-]*$/;
const VERSION = /^\d+\.\d+\.\d+[\w.-]*$/;
const WORDS = new Set(['true', 'false', 'null', 'yes', 'no', 'on', 'off', 'y', 'n']);

/** `value` is what JSON can hold. */
export function yamlOf(value: unknown): string {
  return `${block(JSON.parse(JSON.stringify(value)) as Value, '').trimStart()}\n`;
}

/** Behind a key or a dash: begins with what parts it from that. */
function block(value: Value, indent: string): string {
  if (Array.isArray(value)) {
    const items = value as readonly Value[];
    if (items.length === 0) return ' []';
    return items.map((item) => `\n${indent}-${isLong(item) ? block(item, `${indent}  `) : ` ${scalar(item)}`}`).join('');
  }
  if (typeof value !== 'object' || value === null) return ` ${scalar(value)}`;
  const entries = Object.entries(value as Readonly<Record<string, Value>>);
  if (entries.length === 0) return ' {}';
  return entries.map(([key, inner]) => `\n${indent}${text(key)}:${block(inner, `${indent}  `)}`).join('');
}

function isLong(value: Value): boolean {
  return typeof value === 'object' && value !== null;
}

function scalar(value: Value): string {
  return typeof value === 'string' ? text(value) : JSON.stringify(value);
}

function text(value: string): string {
  if ((PLAIN.test(value) && !WORDS.has(value.toLowerCase())) || VERSION.test(value)) return value;
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
