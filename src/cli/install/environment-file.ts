/**
 * The environment file of a service: one `NAME="value"` a line, as systemd.exec(5) reads it.
 *
 * I1: what is written is read back as the same values.
 */

const LINE = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;

export function environmentText(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}="${value.replace(/[\\"$`]/g, '\\$&')}"\n`);
  return `# Settings of this part; "outrigger install" replaces those that it is given, and keeps the others.\n${lines.join('')}`;
}

/** Lines that are none are left out; systemd does so too. */
export function readEnvironment(text: string): Record<string, string> {
  const entries = text.split('\n').flatMap((line): [string, string][] => {
    const [, name, raw] = LINE.exec(line.trim()) ?? [];
    return name === undefined || raw === undefined ? [] : [[name, unquoted(raw.trim())]];
  });
  return Object.fromEntries(entries);
}

function unquoted(raw: string): string {
  if (/^".*"$/s.test(raw)) return raw.slice(1, -1).replace(/\\([\\"$`])/g, '$1');
  return /^'.*'$/s.test(raw) ? raw.slice(1, -1) : raw;
}
