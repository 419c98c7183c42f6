/**
 * Which optional packages a lock file names as somebody's dependency but has no entry for. npm ci refuses such a lock file.
 */

export interface LockPackage {
  readonly version?: string;
  readonly cpu?: readonly string[] | string;
  readonly os?: readonly string[] | string;
  readonly libc?: readonly string[];
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface LockFile {
  readonly packages: Readonly<Record<string, LockPackage>>;
}

export interface LackingOptional {
  readonly name: string;
  readonly spec: string;
  /** The package that asks for it. */
  readonly parent: LockPackage;
}

export function lackingOptionals({ packages }: LockFile): LackingOptional[] {
  return Object.entries(packages).flatMap(([path, parent]) =>
    Object.entries(parent.optionalDependencies ?? {})
      .filter(([name]) => !isFound(packages, path, name))
      .map(([name, spec]) => ({ name, spec, parent })),
  );
}

/** Looks for `name` as Node would: in the asking package's own folder, then in those above. */
function isFound(packages: Readonly<Record<string, LockPackage>>, path: string, name: string): boolean {
  const parts = path === '' ? [] : path.split('/node_modules/');
  for (let depth = parts.length; depth >= 0; depth -= 1) {
    const folder = parts.slice(0, depth).join('/node_modules/');
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true;
  }
  return false;
}
