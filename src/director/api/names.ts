/**
 * What names, labels and annotations may look like: the rules of k8s.io/apimachinery (RFC 1123 labels and subdomains, qualified names).
 *
 * Each function returns what is wrong as the rest of a sentence, or undefined.
 */

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED_PART = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const ANNOTATIONS_BYTES = 256 * 1024;

/** `label`: RFC 1123 label (namespaces). `subdomain`: RFC 1123 subdomain (most kinds). `path`: anything that can stand in a path (RBAC). */
export type NameRule = 'label' | 'subdomain' | 'path';

export function nameProblem(name: string, rule: NameRule): string | undefined {
  if (rule === 'path') return pathNameProblem(name);
  return rule === 'label' ? dnsLabelProblem(name) : dnsSubdomainProblem(name);
}

export function dnsLabelProblem(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 characters';
  if (DNS_LABEL.test(name)) return undefined;
  return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name', or '123-abc')";
}

export function dnsSubdomainProblem(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 characters';
  if (DNS_SUBDOMAIN.test(name)) return undefined;
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')";
}

function pathNameProblem(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 characters';
  if (name === '.' || name === '..') return `may not be ${JSON.stringify(name)}`;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f || code === 0x2f || code === 0x25 || code === 0x5c)
      return "may not contain '/', '%', '\\', spaces or control characters";
  }
  return undefined;
}

/** A label's key: an optional DNS subdomain and a slash, then a name of at most 63. Also the form of finalizers and annotation keys. */
export function labelKeyProblem(key: string): string | undefined {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  if (slash >= 0) {
    const prefix = key.slice(0, slash);
    if (prefix === '') return 'prefix part must be non-empty';
    const problem = dnsSubdomainProblem(prefix);
    if (problem !== undefined) return `prefix part ${problem}`;
  }
  if (name === '') return 'name part must be non-empty';
  if (name.length > 63) return 'name part must be no more than 63 characters';
  if (QUALIFIED_PART.test(name)) return undefined;
  return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName', or 'my.name', or '123-abc')";
}

export function labelValueProblem(value: string): string | undefined {
  if (value === '') return undefined;
  if (value.length > 63) return 'must be no more than 63 characters';
  if (QUALIFIED_PART.test(value)) return undefined;
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue', or 'my_value', or '12345')";
}

export function annotationsProblem(annotations: Readonly<Record<string, string>>): string | undefined {
  let total = 0;
  for (const key in annotations) total += key.length + (annotations[key]?.length ?? 0);
  return total > ANNOTATIONS_BYTES ? `Too long: all annotations together may not be more than ${ANNOTATIONS_BYTES} bytes` : undefined;
}
