/**
 * The console's pages besides fleet and cluster, in a real browser against a real control plane: the wizard, hosts, sites, licenses, organizations, what the
 * extension servers obey, and who may do what. The director is killed once meanwhile, and nobody reloads.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { HOSTS, SITES, UNIVERSAL_LICENSES } from '../../src/model/addresses.ts';
import { programCommand } from '../../src/platform/program.ts';
import { assertAccessible, assertFits, newPerson, openBrowser, picture } from '../support/browser.ts';
import type { Person } from '../support/browser.ts';
import { clusterOf, kill9, NAMESPACE, say, seconds, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

const PATIENCE = { timeout: 60_000 };

let plane: ControlPlane;
let browser: Browser;
let ada: Person;
let isDark = false;

/** What the page says now, beside a test that failed. */
async function told<T>(page: Page, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    await picture(page, 'failed');
    console.log(`the page said: ${await page.evaluate<string>('document.body.innerText')}`);
    throw cause;
  }
}

before(async () => {
  plane = await startControlPlane('console-pages', 1);
  browser = await openBrowser();
  ada = await newPerson(browser);
});

after(async () => {
  await browser?.close();
  await plane?.cleanup();
});

/** As a person gets one. */
async function newLink(): Promise<string> {
  const [program, ...args] = programCommand(['console', 'link', '--kubeconfig', plane.kubeconfig]);
  return (await promisify(execFile)(program, args, { timeout: PATIENCE.timeout })).stdout.trim();
}

async function enter(person: Person): Promise<void> {
  await person.page.goto(await newLink());
  await person.page.getByRole('heading', { name: 'Fleet', level: 1 }).waitFor();
}

const pages = (page: Page) => page.getByRole('navigation', { name: 'Pages' });

const SPARE = { apiVersion: 'outrigger.dev/v1', kind: 'Host', metadata: { name: 'spare' } };

/** In dark and light by turns, on a desk and on a telephone; in both where pictures are wanted. */
async function lookAt(page: Page, what: string): Promise<void> {
  isDark = !isDark;
  const themes = process.env['CONSOLE_SHOTS'] === undefined ? [isDark] : [true, false];
  for (const dark of themes) {
    const name = `${what}-${dark ? 'dark' : 'light'}`;
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' });
    await assertAccessible(page, name);
    await picture(page, name);
    await page.setViewportSize({ width: 375, height: 812 });
    await assertFits(page, what);
    await picture(page, `${name}-375`);
    await page.setViewportSize({ width: 1280, height: 900 });
  }
}

describe('the pages of the console', () => {
  test('a cluster is made in the wizard, which says what the API says as one types', async () => {
    const { page } = ada;
    await told(page, async () => {
      await enter(ada);
      await page.getByRole('button', { name: 'Create a cluster' }).click();
      await page.getByRole('heading', { name: 'Create a cluster', level: 1 }).waitFor();
      await page.getByLabel('Organization').selectOption(NAMESPACE);
      await page.getByLabel('Name').fill('Pier');
      await page.getByText(/a lowercase RFC 1123/).waitFor();
      await page.getByLabel('VirtualDataCenter').selectOption('main');
      await page.getByLabel('Release').selectOption('1.0.0');
      await lookAt(page, 'create-where');
      await page.getByLabel('Name').fill('pier');
      await page.getByText(/a lowercase RFC 1123/).waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByRole('spinbutton', { name: 'Workers besides the primary' }).fill('11');
      await page.getByText(/must be at most 8/).waitFor();
      await page.getByRole('region', { name: 'Quota of main' }).getByText('main has no room for it').waitFor();
      await lookAt(page, 'create-size');
      await page.getByRole('spinbutton', { name: 'Workers besides the primary' }).fill('0');
      await page.getByRole('button', { name: 'YAML of what will be created' }).click();
      await page.getByText(/workers: 0/).waitFor();
      await page.getByRole('button', { name: 'Next' }).click();
      await lookAt(page, 'create-behavior');
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByText('The API takes it as it stands.').waitFor();
      await lookAt(page, 'create-review');
      const begun = performance.now();
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await page.getByRole('heading', { name: /^pier/, level: 1 }).waitFor();
      await page.getByRole('tab', { name: 'Story', selected: true }).waitFor();
      await page.getByRole('heading', { name: /^pier Available/, level: 1 }).waitFor(PATIENCE);
      say(`made in the wizard and available after ${seconds(performance.now() - begun)}`);
      assert.equal((await clusterOf(plane, 'pier')).spec.workers, 0);
      assert.deepEqual(ada.complaints, []);
    });
  });

  test('a host is cordoned, drained as far as it goes, and confirmed dead only when nobody renews its Lease', async () => {
    const { page } = ada;
    await told(page, async () => {
      await plane.apply({ ...SPARE, spec: { capacity: { nodes: 0, cpuMillis: 0, memoryMiB: 0 } } });
      await pages(page).getByRole('link', { name: 'Hosts' }).click();
      const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
      await row('spare').getByText('Unknown', { exact: true }).waitFor();
      await lookAt(page, 'hosts');
      await page.getByRole('textbox', { name: 'Search hosts' }).fill('spare');
      await page.getByText('1 of 2 shown').waitFor();
      await page.getByRole('textbox', { name: 'Search hosts' }).fill('');
      const [first] = (await plane.list(HOSTS)).filter(({ metadata }) => metadata.name !== 'spare');
      const name = first?.metadata.name ?? '';
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { name: new RegExp(`^${name} Ready`), level: 1 }).waitFor();
      await page.getByRole('grid', { name: 'Nodes of this host' }).getByText('harbor-a1-n0', { exact: true }).waitFor();
      await lookAt(page, 'host');
      await page.getByRole('button', { name: 'Drain' }).click();
      const drain = page.getByRole('dialog', { name: `Drain ${name}` });
      await drain
        .getByText(/no other host serves/)
        .first()
        .waitFor();
      await lookAt(page, 'drain');
      await drain.getByRole('button', { name: 'Drain' }).click();
      await drain.getByText('What could be moved was moved; the rest is left to a person.').waitFor();
      await drain.getByRole('button', { name: 'Close', exact: true }).last().click();
      await page.getByRole('heading', { name: new RegExp(`^${name} Cordoned`), level: 1 }).waitFor();
      await page.getByRole('button', { name: 'Uncordon' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Uncordon' }).click();
      await page.getByRole('heading', { name: new RegExp(`^${name} Ready`), level: 1 }).waitFor();
      await page.getByRole('button', { name: 'Confirm dead' }).click();
      const alive = page.getByRole('dialog', { name: `Confirm that ${name} is dead` });
      await alive.getByText(/renews its Lease: its daemon lives, and its nodes would run twice/).waitFor(PATIENCE);
      await lookAt(page, 'confirm-dead');
      await alive.getByRole('button', { name: 'Cancel' }).click();
    });
  });

  test('a host that is silent is confirmed dead by its name', async () => {
    const { page } = ada;
    await told(page, async () => {
      const boot = { status: { bootId: 'its-last-boot' } };
      const patched = await plane.kubectl('patch', 'host', 'spare', '--subresource=status', '--type=merge', '-p', JSON.stringify(boot));
      assert.equal(patched.code, 0, patched.err);
      await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Hosts' }).click();
      await page.getByRole('link', { name: 'spare', exact: true }).click();
      await page.getByText('its-last-boot').waitFor();
      await page.getByRole('button', { name: 'Confirm dead' }).click();
      const dialog = page.getByRole('dialog', { name: 'Confirm that spare is dead' });
      await dialog.getByLabel('Type spare to go on').fill('spare');
      await dialog.getByText('spare does not renew its Lease.').waitFor();
      await dialog.getByRole('button', { name: 'It is off' }).click();
      await page.getByRole('heading', { name: /^spare Dead/, level: 1 }).waitFor();
    });
  });

  test('a site shows each check; a certificate that nobody accepted is compared and accepted', async () => {
    const { page } = ada;
    await told(page, async () => {
      await pages(page).getByRole('link', { name: 'Sites' }).click();
      await page.getByRole('row').filter({ hasText: 'harbor' }).getByText('Paired', { exact: true }).waitFor(PATIENCE);
      await lookAt(page, 'sites');
      await page.getByRole('grid', { name: 'Sites' }).getByRole('link', { name: 'harbor', exact: true }).first().click();
      await page.getByRole('heading', { name: /^harbor Paired/, level: 1 }).waitFor();
      const site = await plane.get(SITES, NAMESPACE, 'harbor');
      const [server, ...others] = site?.spec.connectionServers ?? [];
      assert.ok(server?.pin !== undefined, 'the sample site pins its servers');
      await page
        .getByRole('grid', { name: `Checks of ${server.name}` })
        .getByText('PreChecks')
        .waitFor();
      await lookAt(page, 'site');
      await plane.patch(SITES, NAMESPACE, 'harbor', { spec: { connectionServers: [{ name: server.name, url: server.url }, ...others] } });
      await page.getByRole('heading', { name: /^harbor Waits for a person/, level: 1 }).waitFor(PATIENCE);
      await lookAt(page, 'site-waits');
      await page.getByRole('button', { name: 'Compare and accept' }).click();
      const dialog = page.getByRole('dialog', { name: `Accept the certificate of ${server.name}` });
      await dialog.getByText(server.pin).waitFor();
      await lookAt(page, 'accept');
      await dialog.getByRole('button', { name: 'It is the same: accept' }).click();
      await page.getByRole('heading', { name: /^harbor Paired/, level: 1 }).waitFor(PATIENCE);
      await page.getByRole('button', { name: 'Check now' }).click();
      await page.getByRole('button', { name: 'Change', exact: true }).click();
      const change = page.getByRole('dialog', { name: 'Change harbor' });
      await change.getByLabel('environment').fill('1 wrong');
      await change
        .getByText(/Invalid value: "1 wrong"/)
        .first()
        .waitFor();
      await lookAt(page, 'site-change');
      await change.getByRole('button', { name: 'Cancel' }).click();
    });
  });

  test('licenses show use and peak, organizations their quota', async () => {
    const { page } = ada;
    await told(page, async () => {
      await pages(page).getByRole('link', { name: 'Licenses' }).click();
      await page.getByRole('grid', { name: 'Licenses' }).getByRole('link', { name: 'harbor', exact: true }).waitFor();
      await lookAt(page, 'licenses');
      await page.getByRole('link', { name: 'harbor', exact: true }).click();
      await page.getByRole('heading', { name: /^harbor Runs/, level: 1 }).waitFor();
      await page.getByRole('grid', { name: 'Sites of this license' }).getByRole('link', { name: 'harbor' }).waitFor(PATIENCE);
      await lookAt(page, 'license');
      await page.getByRole('button', { name: 'Count the peak anew' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Count anew' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      assert.equal((await plane.get(UNIVERSAL_LICENSES, NAMESPACE, 'harbor'))?.spec.peakReset, 1);
      await pages(page).getByRole('link', { name: 'Organizations' }).click();
      await page.getByRole('button', { name: 'Add an organization' }).click();
      const dialog = page.getByRole('dialog', { name: 'Add an organization' });
      await dialog.getByLabel('Name').fill('Quayside');
      await dialog.getByText(/a lowercase RFC 1123/).waitFor();
      await dialog.getByLabel('Name').fill('quayside');
      await eventually(
        'the API takes the name',
        async () => (await dialog.getByRole('button', { name: 'Add' }).getAttribute('aria-disabled')) === null,
      );
      await dialog.getByRole('button', { name: 'Add' }).click();
      await page.getByText('None: nothing can be created there').waitFor();
      await lookAt(page, 'organizations');
      await page.getByRole('link', { name: 'main', exact: true }).click();
      await page.getByRole('grid', { name: 'Reserved by' }).getByRole('link', { name: 'harbor' }).waitFor();
      await lookAt(page, 'capacity');
      await page.getByRole('button', { name: 'Change', exact: true }).click();
      const change = page.getByRole('dialog', { name: 'Change main' });
      await change.getByRole('textbox', { name: 'nodes', exact: true }).fill('9999');
      await change.getByText('Invalid value: 9999: must be at most 4500').first().waitFor();
      await lookAt(page, 'capacity-change');
      await change.getByRole('textbox', { name: 'nodes', exact: true }).fill('20');
      await eventually(
        'the API takes the quota',
        async () => (await change.getByRole('button', { name: 'Save' }).getAttribute('aria-disabled')) === null,
      );
      await change.getByRole('button', { name: 'Save' }).click();
      await page
        .getByText(/ of 20$/)
        .first()
        .waitFor();
    });
  });

  test('what the servers obey is changed while the director dies and comes back, without a reload', async () => {
    const { page } = ada;
    await told(page, async () => {
      await pages(page).getByRole('link', { name: 'Configuration' }).click();
      await page.getByRole('grid', { name: 'Extension servers' }).getByText('Renews its Lease').first().waitFor(PATIENCE);
      await page.getByRole('button', { name: 'Make one' }).click();
      const dialog = page.getByRole('dialog', { name: 'Make a ServerConfig' });
      await dialog.getByRole('textbox', { name: 'leaseSeconds', exact: true }).fill('1');
      await dialog
        .getByText(/must be at least three times leaseRenewMilliseconds/)
        .first()
        .waitFor();
      await lookAt(page, 'configuration-make');
      await page.evaluate('window.wasNotReloaded = true');
      kill9(plane.pidOf('director'));
      await dialog.getByRole('textbox', { name: 'leaseSeconds', exact: true }).fill('4');
      await eventually(
        'the API takes it again',
        async () => (await dialog.getByRole('button', { name: 'Create' }).getAttribute('aria-disabled')) === null,
      );
      await dialog.getByRole('button', { name: 'Create' }).click();
      await page.getByRole('heading', { name: 'What holds: ServerConfig default' }).waitFor(PATIENCE);
      await page.getByRole('grid', { name: 'Extension servers' }).getByText('default@1').first().waitFor(PATIENCE);
      assert.equal(await page.evaluate('window.wasNotReloaded'), true);
      await lookAt(page, 'configuration');
    });
  });

  test('who may do what', async () => {
    const { page } = ada;
    await told(page, async () => {
      await pages(page).getByRole('link', { name: 'Who may do what' }).click();
      await page.getByText(/^You are admin/).waitFor();
      await page.getByRole('textbox', { name: 'Search rights' }).fill('extension leases');
      await page.getByText('outrigger:extension-leases').first().waitFor();
      await lookAt(page, 'rights');
      assert.deepEqual(ada.complaints, []);
    });
  });
});
