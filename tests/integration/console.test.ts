/**
 * The console in a real browser against a real control plane: log-in by link, live lists, scale, delete, a director that dies under it, and nothing that
 * a screen reader would stumble over, in both themes.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { CLUSTERS } from '../../src/model/addresses.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { assertAccessible, lookAt, newPerson, openBrowser, picture } from '../support/browser.ts';
import type { Person } from '../support/browser.ts';
import { clusterObject, clusterOf, kill9, NAMESPACE, say, seconds, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

const PATIENCE = { timeout: 60_000 };
const CLUSTER = 'quay';

let plane: ControlPlane;
let browser: Browser;
let ada: Person;

/** Opens the link and waits for the fleet. */
async function enter(person: Person, link: string): Promise<void> {
  await person.page.goto(link);
  await person.page.getByRole('heading', { name: 'Fleet', level: 1 }).waitFor();
}

/** As a person gets one. */
async function newLink(): Promise<string> {
  const [program, ...args] = programCommand(['console', 'link', '--kubeconfig', plane.kubeconfig]);
  return (await promisify(execFile)(program, args, { timeout: PATIENCE.timeout })).stdout.trim();
}

const row = (page: Page, name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });

/** The card of a node in the drawing. */
const nodeCard = (page: Page, name: string) => page.getByRole('list', { name: 'Nodes' }).getByRole('heading', { name });

async function openCluster(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { name: new RegExp(`^${name}`), level: 1 }).waitFor();
}

before(async () => {
  plane = await startControlPlane('console');
  browser = await openBrowser();
  ada = await newPerson(browser);
});

after(async () => {
  await browser?.close();
  await plane?.cleanup();
});

describe('the console', () => {
  test('the link of the closing card lets in, once, and leaves the address', async () => {
    const [link = ''] = /https:\/\/\S+\/console\/#code=\S+/.exec(plane.up().output()) ?? [];
    assert.notEqual(link, '', plane.up().output());
    await enter(ada, link);
    assert.doesNotMatch(ada.page.url(), /code=/);
    await row(ada.page, 'harbor').getByText('Available', { exact: true }).waitFor(PATIENCE);
    const eve = await newPerson(browser);
    await eve.page.goto(link);
    await eve.page.getByText('This link lets nobody in').waitFor();
    await picture(eve.page, 'log-in-refused');
    await eve.page.context().close();
  });

  test('a reload keeps the session, and another tab has none', async () => {
    await ada.page.reload();
    await row(ada.page, 'harbor').waitFor();
    const tab = await ada.page.context().newPage();
    await tab.goto(new URL('/console/', ada.page.url()).href);
    await tab.getByRole('heading', { name: 'Log in to Outrigger' }).waitFor();
    await tab.close();
  });

  test('a cluster that kubectl makes appears by itself, and becomes available', async () => {
    const begun = performance.now();
    const applied = await plane.apply(clusterObject(CLUSTER, 0));
    assert.equal(applied.code, 0, applied.err);
    await row(ada.page, CLUSTER).waitFor();
    say(`a new cluster was seen after ${seconds(performance.now() - begun)}, kubectl's own time among it`);
    await row(ada.page, CLUSTER).getByText('Available', { exact: true }).waitFor(PATIENCE);
  });

  test('search and filters show what is asked for, and stand in the address', async () => {
    const { page } = ada;
    await page.getByRole('textbox', { name: 'Search clusters' }).fill('harb');
    await row(page, CLUSTER).waitFor({ state: 'detached' });
    assert.match(page.url(), /search=harb/);
    await page.reload();
    await row(page, 'harbor').waitFor();
    assert.equal(await row(page, CLUSTER).count(), 0);
    await page.getByRole('textbox', { name: 'Search clusters' }).fill('nowhere');
    await page.getByRole('heading', { name: 'No cluster is like that' }).waitFor();
    await page.getByRole('textbox', { name: 'Search clusters' }).fill('');
    await row(page, CLUSTER).waitFor();
  });

  test('scaled by its button', async () => {
    const { page } = ada;
    await openCluster(page, CLUSTER);
    await nodeCard(page, `${CLUSTER}-a1-n0`).waitFor();
    await page.getByRole('button', { name: 'Scale' }).click();
    const dialog = page.getByRole('dialog', { name: `Scale ${CLUSTER}` });
    await dialog.getByRole('button', { name: 'One worker more' }).click();
    await dialog.getByText('1 worker will be added').waitFor();
    await assertAccessible(page, 'the dialog to scale');
    await picture(page, 'scale');
    await dialog.getByRole('button', { name: 'Scale' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal((await clusterOf(plane, CLUSTER)).spec.workers, 1);
    await nodeCard(page, `${CLUSTER}-a1-n1`).waitFor(PATIENCE);
  });

  test('while the director is down the page shows what it knew and says how old it is; after that it goes on without a reload', async () => {
    const { page } = ada;
    await page.evaluate('window.wasNotReloaded = true');
    // Nobody starts the director again while its supervisor is stopped.
    sendSignal(plane.up().pid, 'SIGSTOP');
    try {
      kill9(plane.pidOf('director'));
      await page.getByText(/The director does not answer\. What you see is from/).waitFor(PATIENCE);
      assert.ok(await nodeCard(page, `${CLUSTER}-a1-n0`).isVisible(), 'what was known stays');
      await assertAccessible(page, 'a page that is old');
      await picture(page, 'old');
    } finally {
      sendSignal(plane.up().pid, 'SIGCONT');
    }
    await plane.patch(CLUSTERS, NAMESPACE, CLUSTER, { spec: { workers: 0 } });
    const begun = performance.now();
    await page.getByText('ready of 0').waitFor(PATIENCE);
    await page.getByText(/The director does not answer/).waitFor({ state: 'detached', ...PATIENCE });
    say(`what happened while it was away was seen ${seconds(performance.now() - begun)} after a director took it`);
    assert.equal(await page.evaluate('window.wasNotReloaded'), true);
  });

  test('deleted when its name is typed, and not before', async () => {
    const { page } = ada;
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: new RegExp(`Delete ${CLUSTER}`) });
    assert.ok(await dialog.getByRole('button', { name: 'Delete' }).isDisabled());
    await dialog.getByText(`${CLUSTER}-a1-n0`).waitFor();
    await assertAccessible(page, 'the dialog to delete');
    await picture(page, 'delete');
    await dialog.getByLabel(`Type ${CLUSTER} to go on`).fill(CLUSTER);
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: `There is no cluster ${CLUSTER}` }).waitFor(PATIENCE);
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Fleet', exact: true }).click();
    await row(page, 'harbor').waitFor();
    assert.equal(await row(page, CLUSTER).count(), 0);
  });

  test('who may only look is told why the rest is not for him', async () => {
    const person = await newPerson(browser);
    const { page } = person;
    await page.goto(new URL('/console/', ada.page.url()).href);
    await page.getByLabel('One-time link, or token').fill(await viewerToken());
    await page.getByRole('button', { name: 'Log in' }).click();
    await openCluster(page, 'harbor');
    const button = page.getByRole('button', { name: 'Delete' });
    await eventually('the button is disabled', async () => (await button.getAttribute('aria-disabled')) === 'true');
    await button.focus();
    await page
      .getByRole('tooltip')
      .getByText(/cannot delete/)
      .waitFor();
    await page.getByText(/^Judged without hosts: .*cannot list/).waitFor();
    await page.getByRole('tab', { name: 'Drills' }).click();
    await page.getByText(/drills.* is forbidden|cannot list.*drills/).waitFor();
    await page.getByRole('tab', { name: 'Logs' }).click();
    await page.getByText('Its logs cannot be shown').waitFor();
    await page.context().close();
  });

  for (const theme of ['light', 'dark'] as const) {
    test(`log-in and fleet are accessible from a telephone to a wall, ${theme}`, async () => {
      const person = await newPerson(browser, theme);
      const { page } = person;
      await page.goto(new URL('/console/', ada.page.url()).href);
      await page.getByRole('heading', { name: 'Log in to Outrigger' }).waitFor();
      await lookAt(page, 'log-in', theme);
      await enter(person, await newLink());
      await row(page, 'harbor').waitFor();
      await lookAt(page, 'fleet', theme);
      assert.deepEqual(person.complaints, []);
      await page.context().close();
    });
  }

  test('the page never complained, and logging out ends the session at the director too', async () => {
    const { page, complaints } = ada;
    assert.deepEqual(complaints, []);
    const token = await page.evaluate<string>('JSON.parse(sessionStorage.getItem("outrigger-session")).token');
    const asks = `fetch('/apis/outrigger.dev/v1/clusters?limit=1', { headers: { authorization: 'Bearer ${token}' } }).then((answer) => answer.status)`;
    assert.equal(await page.evaluate(asks), 200);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in to Outrigger' }).waitFor();
    assert.equal(await page.evaluate(asks), 401);
  });
});

/** A ServiceAccount that may look at clusters and nodes. */
async function viewerToken(): Promise<string> {
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  const rule = { apiGroups: ['outrigger.dev'], resources: ['clusters', 'clusternodes'], verbs: ['get', 'list', 'watch'] };
  const subjects = [{ kind: 'ServiceAccount', name: 'viewer', namespace: NAMESPACE }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'console-viewer' };
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'viewer', namespace: NAMESPACE } },
    { ...rbac, kind: 'ClusterRole', metadata: { name: 'console-viewer' }, rules: [rule] },
    { ...rbac, kind: 'ClusterRoleBinding', metadata: { name: 'console-viewer' }, subjects, roleRef },
  ];
  const applied = await plane.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  assert.equal(applied.code, 0, applied.err);
  const made = await plane.kubectl('create', 'token', 'viewer', '-n', NAMESPACE);
  assert.equal(made.code, 0, made.err);
  return made.out.trim();
}
