/**
 * The pages of the portal: what facts.ts and its siblings know, for people. Plain HTML that needs no script.
 *
 * All links are relative and all pages lie side by side, so that it works under any path.
 */

import type { LicenseSection } from '../../decide/license-report.ts';
import { conditionMark, kindOf, labelOf, licenseMark, prose, shownValue, textOf, thumbprintCell } from './cells.ts';
import { row } from './facts.ts';
import type { PairingFacts, Row, StateFacts } from './facts.ts';
import { facts, mark, markup, table } from './html.ts';
import type { Html } from './html.ts';
import type { LogList, LogText } from './logs.ts';
import type { NetworkLine } from './network-test.ts';

const PAGES = [
  ['./', 'State'],
  ['pairing', 'Pairing'],
  ['license', 'License'],
  ['logs', 'Logs'],
  ['network', 'Network test'],
  ['bundle', 'Support bundle'],
  ['password', 'Password'],
] as const;

export interface Frame {
  readonly title: string;
  /** `namespace/name` of the cluster. */
  readonly cluster: string;
  readonly node: string;
  /** Undefined: nobody is logged in. */
  readonly csrf: string | undefined;
  readonly license: LicenseSection | undefined;
}

export function page(frame: Frame, content: Html): Html {
  const { title, cluster, node, csrf } = frame;
  const links = PAGES.map(
    ([path, name]) => markup`<li><a href="${path}" ${name === title && markup` aria-current="page"`}>${name}</a></li>`,
  );
  const menu = markup`<div class="bar"><nav aria-label="Portal">
      <ul>
        ${links}
      </ul>
    </nav>
    <form method="post" action="logout">${csrfField(csrf)}<button>Log out</button></form></div>`;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <title>${title} · ${cluster} · Outrigger</title>
        <link rel="stylesheet" href="style.css" />
      </head>
      <body>
        <a class="skip" href="#content">Skip to content</a>
        <header>
          <p><strong>Outrigger</strong> · cluster ${cluster} · node ${node}</p>
          ${csrf !== undefined && menu}
        </header>
        <main id="content">
          ${csrf !== undefined && licenseBanner(frame.license)}
          <h1>${title}</h1>
          ${content}
        </main>
        <footer>This page is served by the cluster itself, also without a director.</footer>
      </body>
    </html>`;
}

export function csrfField(csrf: string | undefined): Html {
  return markup`<input type="hidden" name="csrf" value="${csrf ?? ''}" />`;
}

function licenseBanner(license: LicenseSection | undefined): Html | undefined {
  if (license === undefined || license.severity === 'Success') return undefined;
  return markup`<div class="banner ${license.severity}" role="status">
    <p><strong>License ${license.state}.</strong> ${license.message}</p>
  </div>`;
}

export function notice(kind: 'good' | 'bad' | 'warn', text: string): Html {
  return markup`<div class="banner ${kind}" role="${kind === 'good' ? 'status' : 'alert'}"><p>${text}</p></div>`;
}

// ---- pages ------------------------------------------------------------------------------------------------------------------------------

export function logInPage(problem: string | undefined): Html {
  return markup`${problem !== undefined && notice('bad', problem)}
    <p>The owner of this machine makes the password: <code>outrigger portal password CLUSTER -n NAMESPACE --data DIR</code>.</p>
    <form method="post" action="login">
      <label for="password">Password of this cluster</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required autofocus />
      <div><button>Log in</button></div>
    </form>`;
}

export function statePage({ cluster, node, conditions, nodes, services, problems, events }: StateFacts): Html {
  const wrong = problems.map((problem) => markup`<li>${prose(problem)}</li>`);
  return markup`<h2>Problems</h2>
    ${
      wrong.length === 0
        ? markup`<p>${mark('None', 'good')} that this node knows of.</p>`
        : markup`<ul>
            ${wrong}
          </ul>`
    }
    <h2>Cluster</h2>
    ${factsOf(cluster)}
    <h2>Nodes</h2>
    ${rows('Members of this cluster', nodes, ['name', 'role', 'agent', 'address', 'incarnation', 'tunnel', 'message'], 'No node is known yet.')}
    <h2>Services</h2>
    ${rows('Instances on all nodes', services, ['service', 'node', 'phase', 'ready', 'address', 'restarts', 'message'], 'No service is known yet.')}
    <h2>Conditions</h2>
    ${rows('As the directors have them', conditions, ['type', 'status', 'reason', 'message', 'since'], 'None are known; no director was reached since this agent started.')}
    <h2>Events</h2>
    ${rows('The newest', events, ['time', 'reason', 'message'], 'None.')}
    <h2>This node</h2>
    ${factsOf(node)}`;
}

export function pairingPage({ site, servers, checks, leftBehind }: PairingFacts): Html {
  if (site === undefined)
    return markup`<p>
      This cluster is not paired with a site. To pair it, name a Site in the cluster (<code>spec.site</code>), or run
      <code>outrigger site pair</code> where the directors are.
    </p>`;
  const state = String(site['state'] ?? '');
  return markup`${facts(Object.entries(site).map(([name, value]) => [labelOf(name), name === 'state' ? mark(state, kindOf(state)) : shownValue(value)]))}
    <h2>What to do</h2>
    <p>${whatToDo(state)}</p>
    <h2>Checks</h2>
    ${rows('Each connection server, in the order in which it is looked at', checks, ['server', 'check', 'result', 'message'], 'No check was made yet, or no director was reached since this agent started.')}
    <h2>Thumbprints</h2>
    ${rows('Compare what is shown with what the server itself says', servers, ['name', 'url', 'pin'], 'No connection server is known.')}
    ${
      leftBehind.length > 0 &&
      markup`<h2>Left behind</h2>
        <ul>
          ${leftBehind.map((one) => markup`<li>${one}</li>`)}
        </ul>`
    }`;
}

const TO_DO: Readonly<Record<string, string>> = {
  Paired: 'Nothing: the cluster is paired and works with these connection servers.',
  Waiting:
    'A connection server shows a certificate that nobody has accepted yet. Compare its thumbprint below with the one that the server itself prints, then accept it where the directors are: outrigger site pair.',
  Failed: 'Mend what the first line that failed says; the checks are made again by themselves.',
  Checking: 'Nothing: the checks are under way.',
};

function whatToDo(state: string): string {
  return TO_DO[state] ?? 'Nothing yet: the checks begin when the cluster is plugged in.';
}

/** What is shown of the license, in this order, and how it is called. */
const LICENSE_LABELS: Readonly<Partial<Record<keyof LicenseSection, string>>> = {
  state: 'State',
  daysLeft: 'Days left',
  since: 'In this state since',
  until: 'This state ends',
  name: 'License',
  edition: 'Edition',
  model: 'Model',
  seats: 'Seats',
  concurrent: 'Concurrent seats in use',
  named: 'Named seats in use',
  peakConcurrent: 'Most concurrent seats in use',
  peakNamed: 'Most named seats in use',
  contractEnd: 'Contract ends',
  lastSync: 'Last sync',
  nextSync: 'Next sync',
  lastError: 'Last error',
  serial: 'Serial',
};

export function licensePage(license: LicenseSection | undefined, csrf: string, said: Html | undefined): Html {
  const form = markup`<form method="post" action="sync">${csrfField(csrf)}<button>Sync now</button></form>`;
  if (license === undefined)
    return markup`${said}
      <p>This cluster has no license and no site to have one for. Pair it with a site that names a UniversalLicense.</p>`;
  const fields = row({ ...license });
  const shown = Object.entries(LICENSE_LABELS)
    .filter(([name]) => fields[name] !== undefined)
    .map(([name, label]) => [label, name === 'state' ? licenseMark(license) : shownValue(fields[name])] as const);
  return markup`${said}
    <p>${license.message}</p>
    ${facts(shown)}
    <p class="hint">Times of the license are license time: it goes on while this cluster runs, whatever its clocks say.</p>
    ${form}`;
}

export interface LogsView {
  readonly nodes: readonly string[];
  readonly node: string;
  readonly name: string;
  readonly lines: number;
  readonly list: LogList;
  readonly read: LogText | undefined;
}

export function logsPage({ nodes, node, name, lines, list, read }: LogsView): Html {
  const option = (value: string, chosen: string): Html => markup`<option${value === chosen && markup` selected`}>${value}</option>`;
  const names = list.ok ? list.names : [];
  return markup`<form method="get" action="logs">
      <label for="node">Node</label
      ><select id="node" name="node">
        ${nodes.map((one) => option(one, node))}
      </select>
      <div><button>Show its logs</button></div>
    </form>
    ${!list.ok && notice('bad', list.why)}
    ${
      names.length > 0 &&
      markup`<form method="get" action="logs">
        <input type="hidden" name="node" value="${node}" /> <label for="name">Service / container</label
        ><select id="name" name="name">
          ${names.map((one) => option(one, name))}
        </select>
        <label for="lines">Last lines</label
        ><select id="lines" name="lines">
          ${['100', '200', '500', '2000'].map((one) => option(one, String(lines)))}
        </select>
        <div><button>Show</button></div>
      </form>`
    }
    ${
      read !== undefined &&
      (read.ok
        ? markup`<h2>${name} on ${node}</h2>
            <pre tabindex="0" aria-label="Last lines of ${name} on ${node}">${read.text}</pre>`
        : notice('bad', read.why))
    }`;
}

export function networkPage(csrf: string, lines: readonly NetworkLine[] | undefined): Html {
  const form = markup`<form method="post" action="network">${csrfField(csrf)}<button>Test now</button></form>`;
  const about = markup`<p>
    Tries, from this node: each director, each connection server, each other node. Nothing secret is sent. It takes some seconds.
  </p>`;
  if (lines === undefined) return markup`${about}${form}`;
  const failed = lines.filter(({ result }) => result === 'Failed').length;
  const summary =
    failed === 0 ? notice('good', `All ${lines.length} steps passed.`) : notice('bad', `${failed} of ${lines.length} steps failed.`);
  const cells = lines.map(({ target, check, result, message, ms }) => [
    prose(target),
    check,
    mark(result, kindOf(result)),
    prose(message),
    markup`<span class="whole">${ms} ms</span>`,
  ]);
  return markup`${about}${summary}${table('Steps in their order; after one that failed the later ones of that end are left out', ['Target', 'Check', 'Result', 'Message', 'Took'], cells, 'There is nothing to test.')}${form}`;
}

export function bundlePage(csrf: string): Html {
  return markup`<p>
      A file for whoever helps you: versions, state, pairing, license, a network test and the last lines of all logs of this cluster.
      Passwords, keys and tokens are not in it; what looks like one in a log is taken out, and the file's <code>manifest.json</code> says
      where.
    </p>
    <form method="post" action="support-bundle">${csrfField(csrf)}<button>Make and download</button></form>`;
}

export function passwordPage(csrf: string, said: Html | undefined): Html {
  return markup`${said}
    <form method="post" action="password">
      ${csrfField(csrf)} <label for="current">Current password</label
      ><input id="current" name="current" type="password" autocomplete="current-password" required />
      <label for="next">New password, at least 12 characters</label
      ><input id="next" name="next" type="password" autocomplete="new-password" minlength="12" maxlength="256" required />
      <div><button>Change</button></div>
    </form>
    <p class="hint">All other sessions end. Lost it? The owner of the machine makes a new one: <code>outrigger portal password CLUSTER -n NAMESPACE --data DIR</code>.</p>`;
}

export function elsewherePage(primary: { readonly name: string; readonly address: string; readonly port: number } | undefined): Html {
  if (primary === undefined)
    return markup`<p>The portal is served by the primary of this cluster, and this node does not know yet which one that is.</p>`;
  const url = `https://${primary.address.includes(':') ? `[${primary.address}]` : primary.address}:${primary.port}/`;
  return markup`<p>
    The portal is served by the primary of this cluster, <strong>${primary.name}</strong>, at <a href="${url}">${url}</a>.
  </p>`;
}

// ---- small things -----------------------------------------------------------------------------------------------------------------------

function rows(caption: string, all: readonly Row[], names: readonly string[], empty: string): Html {
  const shown = names.filter((name) => name === 'pin' || all.some((row) => row[name] !== undefined));
  const cells = all.map((row) => shown.map((name) => cell(name, row)));
  return table(caption, shown.map(labelOf), cells, empty);
}

const MARKED = new Set(['status', 'result', 'phase', 'ready', 'agent']);

function cell(name: string, of: Row): Html {
  const value = of[name];
  if (name === 'pin') return thumbprintCell(of);
  if (name === 'status') return conditionMark(of);
  return value === undefined ? markup`` : fact(name, value);
}

function fact(name: string, value: Row[string]): Html {
  return MARKED.has(name) ? mark(textOf(value), kindOf(textOf(value))) : shownValue(value);
}

function factsOf(all: Row): Html {
  return facts(Object.entries(all).map(([name, value]) => [labelOf(name), fact(name, value)]));
}
