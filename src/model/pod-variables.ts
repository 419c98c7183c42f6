/**
 * `$(NAME)` in commands, arguments and values of a pod, as Kubernetes expands it.
 *
 * I1: a name that is not set stays as it stands, so that a typing error shows in the command instead of vanishing.
 * I2: `$$(NAME)` is the text `$(NAME)`.
 * Source: the `command` and `args` fields of Container in the Kubernetes API reference.
 */

/** `text` with each `$(NAME)` replaced by its value. */
export function expandVariables(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (found, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(values, name) ? (values[name] ?? '') : found;
  });
}

/** `base`, with `entries` after it; an entry may refer to what stands before it. */
export function expandEnvironment(
  base: Readonly<Record<string, string>>,
  entries: readonly { readonly name: string; readonly value: string }[],
): Record<string, string> {
  const environment: Record<string, string> = { ...base };
  for (const { name, value } of entries) environment[name] = expandVariables(value, environment);
  return environment;
}
