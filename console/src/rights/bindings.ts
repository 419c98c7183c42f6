/**
 * Whom rights belong to: a line for each subject of each binding, with what its role allows. Pure.
 */

import type { ListRow } from '../table/list-view.ts';
import type { Watched } from '../watch/live-set.ts';

export interface Role extends Watched {
  readonly rules?: readonly Rule[];
}

interface Rule {
  readonly verbs?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export interface Binding extends Watched {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

export interface RightRow extends ListRow {
  readonly kind: string;
  readonly subject: string;
  readonly role: string;
  /** '': everywhere. */
  readonly organization: string;
  readonly binding: string;
  /** 'delete clusters, sites', one a rule. */
  readonly rules: readonly string[];
}

/** `roles` by `namespace/name`; ClusterRoles have no namespace. */
export function rightRows(bindings: Iterable<Binding>, roles: ReadonlyMap<string, Role>): readonly RightRow[] {
  return [...bindings].flatMap(({ metadata, roleRef, subjects = [] }) => {
    const organization = metadata.namespace ?? '';
    const role = roles.get(`${roleRef.kind === 'ClusterRole' ? '' : organization}/${roleRef.name}`);
    const rules = role === undefined ? ['nothing: there is no such role'] : (role.rules ?? []).map(ruleText);
    return subjects.map(({ kind, name, namespace }): RightRow => {
      const subject = namespace === undefined ? name : `${namespace}/${name}`;
      return {
        key: `${organization}/${metadata.name}/${kind}/${subject}`,
        kind,
        subject,
        role: roleRef.name,
        organization,
        binding: metadata.name,
        rules,
        searched: `${kind} ${subject} ${roleRef.name} ${organization} ${rules.join(' ')}`.toLowerCase(),
      };
    });
  });
}

function ruleText({ verbs = [], resources = [], resourceNames = [], nonResourceURLs = [] }: Rule): string {
  const what = resources.length > 0 ? resources : nonResourceURLs;
  const named = resourceNames.length === 0 ? '' : ` named ${resourceNames.join(', ')}`;
  return `${all(verbs, 'anything with')} ${all(what, 'everything')}${named}`;
}

function all(words: readonly string[], star: string): string {
  return words.includes('*') ? star : words.join(', ');
}
