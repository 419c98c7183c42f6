/**
 * Laws of words: one spelling, nothing that belongs to one machine, no host of a package registry.
 *
 * This file is the only one that may hold the forbidden words; it is left out of its own judgment.
 */
import { lineAt } from '../tree.ts';
import type { Finding, Law, Tree } from '../tree.ts';

const OWN_PATH = 'tools/tidy/laws/words.ts';

/** British form → US form. Parts of words count too, so that identifiers are covered. */
const SPELLING: readonly (readonly [RegExp, string])[] = [
  [/behaviour/gi, 'behavior'],
  [/colour/gi, 'color'],
  [/favour/gi, 'favor'],
  [/honour/gi, 'honor'],
  [/neighbour/gi, 'neighbor'],
  [/licenc(?:e|ing)/gi, 'license'],
  [/defence/gi, 'defense'],
  [/offence/gi, 'offense'],
  [/\bcentre/gi, 'center'],
  [/datacentre/gi, 'datacenter'],
  [/catalogue/gi, 'catalog'],
  [/dialogue/gi, 'dialog'],
  [/artefact/gi, 'artifact'],
  [/analys(?:e|ed|er|ing)\b/gi, 'analyze'],
  [/\bgrey\b/gi, 'gray'],
  [/fulfil(?:s|ment)?\b/gi, 'fulfill'],
  [/labelled|labelling/gi, 'labeled'],
  [/modelled|modelling/gi, 'modeled'],
  [/signalled|signalling/gi, 'signaled'],
  [/travelled|travelling/gi, 'traveled'],
  [/whilst/gi, 'while'],
  [
    /(?:initial|serial|normal|organ|author|synchron|recogn|minim|maxim|canonical|final|priorit|summar|custom|special|general|util|virtual)is(?:e[sdr]?\b|ing\b|ation)/gi,
    '-ize',
  ],
  [
    /(?:initial|serial|normal|organ|author|synchron|recogn|minim|maxim|canonical|final|priorit|summar|custom|special|general|util|virtual)is(?:e|ation)(?=[A-Z])/g,
    '-ize',
  ],
  [/optimis(?:e[sdr]?\b|ing\b|ation)/gi, 'optimize'],
];

/** Folders of one person's or one machine's; what the repository says must be true everywhere. */
const MACHINE_PATHS = /(?:^|[\s"'`(=:])(\/(?:work|root|home\/[a-z][\w-]*|Users\/\w+)\/[\w.-]*)/gm;

/** Where packages come from is the business of the machine's own settings. */
const REGISTRIES =
  /(?:registry\.npmjs\.org|npmjs\.(?:com|org)|registry\.yarnpkg\.com|(?:deb|security|ftp)\.debian\.org|archive\.ubuntu\.com|docker\.io|quay\.io|ghcr\.io|\bgcr\.io|registry\.k8s\.io|mcr\.microsoft\.com)/gi;

export const spelling: Law = {
  name: 'us-spelling',
  perFile: true,
  judge: (tree) =>
    SPELLING.flatMap(([pattern, us]) => find(tree, pattern, (word) => ({ law: 'us-spelling', says: `"${word}": US spelling is "${us}"` }))),
};

export const machinePaths: Law = {
  name: 'machine-path',
  perFile: true,
  judge: (tree) =>
    find(tree, MACHINE_PATHS, (path) => ({
      law: 'machine-path',
      says: `"${path}" exists on one machine only: take the folder from a setting`,
    })),
};

export const registryHosts: Law = {
  name: 'registry-host',
  perFile: true,
  judge: (tree) =>
    find(tree, REGISTRIES, (host) => ({
      law: 'registry-host',
      says: `"${host}" names a registry: leave that to the settings of npm, apt or podman`,
    })),
};

function find(tree: Tree, pattern: RegExp, name: (found: string) => { law: string; says: string }): Finding[] {
  return tree.files
    .filter((file) => file.path !== OWN_PATH)
    .flatMap((file) =>
      [...file.text.matchAll(pattern)].map((match) => ({
        ...name(match[1] ?? match[0]),
        path: file.path,
        line: lineAt(file.text, match.index),
      })),
    );
}
