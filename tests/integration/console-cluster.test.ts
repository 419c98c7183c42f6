/**
 * The page of a cluster in a real browser, while nodes, extension servers and directors are killed: the truth table live, logs, upgrade, drills, charts.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { sendSignal } from '../../src/platform/process-id.ts';
import { assertAccessible, lookAt, newPerson, openBrowser, picture } from '../support/browser.ts';
import type { Person } from '../support/browser.ts';
import { clusterOf, kill9, say, seconds, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

const PATIENCE = { timeout: 60_000 };
const WORKER = 'harbor-a1-n1';

let plane: ControlPlane;
let browser: Browser;
let ada: Person;

/** A row of the truth table by what dies. */
const failure = (page: Page, what: RegExp) =>
  page.getByRole('grid', { name: 'What would happen now' }).getByRole('row').filter({ hasText: what });

async function openTab(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name, exact: true }).click();
}

/** With what supervises it stopped, so that nothing comes back before `look` has seen it. */
async function whileStopped(pids: readonly number[], look: () => Promise<void>): Promise<void> {
  for (const pid of pids) sendSignal(pid, 'SIGSTOP');
  try {
    await look();
  } finally {
    for (const pid of pids) sendSignal(pid, 'SIGCONT');
  }
}

before(async () => {
  plane = await startControlPlane('console-cluster');
  browser = await openBrowser();
  ada = await newPerson(browser);
  const [link = ''] = /https:\/\/\S+\/console\/#code=\S+/.exec(plane.up().output()) ?? [];
  await ada.page.goto(link);
  await ada.page.getByRole('link', { name: 'harbor', exact: true }).click();
});

after(async () => {
  await browser?.close();
  await plane?.cleanup();
});

describe('the page of a cluster', () => {
  test('the truth table says what would happen, and counts extension servers that live', async () => {
    const { page } = ada;
    await page.getByText('Nothing would stop that').first().waitFor(PATIENCE);
    await failure(page, /^An instance of .*hello/)
      .getByText('No effect')
      .waitFor();
    const servers = failure(page, /^All extension servers/);
    await servers.getByText(/2 run now/).waitFor(PATIENCE);
    await whileStopped([plane.up().pid], async () => {
      const killed = performance.now();
      kill9(plane.pidOf('extension-1'), plane.pidOf('extension-2'));
      await servers.getByText(/None runs now already/).waitFor(PATIENCE);
      say(`that no extension server lives was seen after ${seconds(performance.now() - killed)}`);
    });
    await servers.getByText(/[12] runs? now/).waitFor(PATIENCE);
  });

  test('a worker that dies changes what would happen, with the reason, and its return changes it back', async () => {
    const { page } = ada;
    const primary = failure(page, /^The primary harbor-a1-n0|^The primary/);
    await primary.first().waitFor();
    const uid = await uidOf(WORKER);
    await whileStopped([plane.up().pid, plane.pidOf('host')], async () => {
      const killed = performance.now();
      kill9(
        ...plane
          .living()
          .filter((one) => one.node === uid)
          .map(({ pid }) => pid),
      );
      await page.getByText(/NOT READY: of \d+ failures/).waitFor(PATIENCE);
      say(`that the cluster is not ready any more was seen after ${seconds(performance.now() - killed)}`);
      await page.getByText('Worse than promised').first().waitFor();
      await assertAccessible(page, 'a cluster that is not ready');
      await picture(page, 'not-ready', true);
    });
    await page.getByText('Nothing would stop that').first().waitFor(PATIENCE);
  });

  test('a log is followed, through the death of the director, and no line is lost or said twice', async () => {
    const { page } = ada;
    await openTab(page, 'Logs');
    await page.getByLabel('Service', { exact: true }).selectOption('ticker');
    const log = page.getByRole('log', { name: /^Log of ticker on harbor-a1-n0/ });
    await log.getByText(/tick \d+/).waitFor(PATIENCE);
    const before = (await ticksIn(page)).at(-1) ?? 0;
    kill9(plane.pidOf('director'));
    await page.getByText(/^Not connected; it is asked again and again/).waitFor(PATIENCE);
    await eventually('the log goes on', async () => ((await ticksIn(page)).at(-1) ?? 0) > before + 3, PATIENCE.timeout);
    const ticks = await ticksIn(page);
    assert.deepEqual(
      ticks,
      ticks.map((_, index) => (ticks[0] ?? 0) + index),
    );
    await page.getByText('Follow', { exact: true }).click();
    await page.getByText(/^\d+ lines\.$/).waitFor(PATIENCE);
  });

  test('upgraded to a release to which there is a way, with progress; others say why not', async () => {
    const { page } = ada;
    await openTab(page, 'Overview');
    await page.getByRole('button', { name: 'Upgrade' }).click();
    const dialog = page.getByRole('dialog', { name: 'Upgrade harbor' });
    assert.ok(await dialog.getByRole('radio', { name: '1.0.0 (runs now)' }).isDisabled());
    await dialog.getByText('It is asked for already.').waitFor();
    await dialog.getByText(/There is no way from release/).waitFor();
    await dialog.getByRole('radio', { name: '1.0.1' }).check();
    await assertAccessible(page, 'the dialog to upgrade');
    await picture(page, 'upgrade');
    await dialog.getByRole('button', { name: 'Change to 1.0.1' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal((await clusterOf(plane, 'harbor')).spec.release, '1.0.1');
    await page.getByRole('progressbar', { name: /nodes run 1\.0\.1/ }).waitFor(PATIENCE);
    await picture(page, 'upgrading');
    await page.getByRole('progressbar').waitFor({ state: 'detached', ...PATIENCE });
    await eventually('it runs 1.0.1', async () => (await clusterOf(plane, 'harbor')).status?.release?.current === '1.0.1');
  });

  test('a drill is refused with the reason, started, watched, and told against what was promised', async () => {
    const { page } = ada;
    await openTab(page, 'Overview');
    await failure(page, /^The primary/)
      .getByRole('link', { name: /^Rehearse it/ })
      .click();
    const start = page.getByRole('button', { name: 'Start the drill' });
    assert.equal(await page.getByLabel('What dies').inputValue(), 'Node');
    assert.equal(await page.getByLabel('On', { exact: true }).inputValue(), 'harbor-a1-n0');
    await page.getByText(/It would be refused: It would be an outage/).waitFor(PATIENCE);
    assert.equal(await start.getAttribute('aria-disabled'), 'true');
    await start.focus();
    await page
      .getByRole('tooltip')
      .getByText(/It would be an outage/)
      .waitFor();
    await picture(page, 'drill-refused');
    await page.getByLabel('What dies').selectOption({ label: 'An instance of a service' });
    await page.getByLabel('On', { exact: true }).selectOption(WORKER);
    await page.getByLabel('For at least').selectOption('5');
    await page.getByText(/Promised: the others know within 1\.5 s/).waitFor();
    await start.click();
    await page.getByRole('heading', { name: 'Under way' }).waitFor();
    await page.getByText(/It would be refused: Drill .* is under way/).waitFor(PATIENCE);
    await page.getByText(/Carried out by harbor-a1-n/).waitFor(PATIENCE);
    await assertAccessible(page, 'a drill under way');
    await picture(page, 'drill-running', true);
    const past = page.getByRole('grid', { name: 'Past drills' });
    await past
      .getByRole('gridcell')
      .getByText(/^(Passed|Broken|Failed)$/)
      .waitFor(PATIENCE);
    await past.getByText(/promised 1\.5 s/).waitFor();
    await past.getByRole('button', { name: /^Measured and promised/ }).click();
    say(`the drill ended so: ${((await past.textContent()) ?? '').slice(0, 400)}`);
  });

  test('what the monitor measured is drawn, and stands beside it in numbers', async () => {
    const { page } = ada;
    await openTab(page, 'Charts');
    await page.getByRole('img', { name: /^Load of the machine, now: harbor-a1-n0/ }).waitFor(PATIENCE);
    const numbers = page.getByRole('grid', { name: "Memory of the node's processes, in numbers" });
    await numbers.getByRole('row').filter({ hasText: 'harbor-a1-n0' }).getByText(/MiB/).first().waitFor();
  });

  test('the portal is shown where it is, and how to reach it through the tunnel', async () => {
    const { page } = ada;
    await openTab(page, 'Overview');
    const link = page.getByRole('link', { name: 'Open it at the site' });
    await link.waitFor(PATIENCE);
    assert.match((await link.getAttribute('href')) ?? '', /^https:\/\/127\.77\.\d+\.10:7445$/);
    const way = await page.getByRole('textbox', { name: 'Address of the portal' }).inputValue();
    const path = new URL(way).pathname;
    const { out, err } = await plane.kubectl('get', '--raw', path);
    assert.match(out, /password/i, err);
  });

  test('by keyboard alone: past the navigation, through the tabs, into a dialog and out of it', async () => {
    const { page } = ada;
    await page.reload();
    await page.getByRole('tab', { name: 'Overview' }).waitFor();
    await page.keyboard.press('Tab');
    await page.getByRole('link', { name: 'Skip to content' }).press('Enter');
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
    await page.getByRole('tab', { name: 'Overview' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Conditions' }).waitFor();
    await page.getByRole('button', { name: 'Upgrade' }).focus();
    assert.ok(await page.evaluate('document.activeElement.matches(":focus-visible")'), 'where one is can be seen');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Upgrade harbor' });
    await dialog.getByRole('radio').first().waitFor();
    for (let presses = 0; presses < 8; presses++) {
      await page.keyboard.press('Tab');
      assert.ok(await page.evaluate('document.activeElement.closest("[role=dialog]") !== null'), 'the keyboard stays within the dialog');
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Upgrade', 'back where one came from');
  });

  for (const theme of ['light', 'dark'] as const) {
    test(`every tab is accessible from a telephone to a wall, ${theme}`, async () => {
      const { page } = ada;
      await page.emulateMedia({ colorScheme: theme });
      for (const tab of ['Overview', 'Story', 'Drills', 'Logs', 'Charts']) {
        await openTab(page, tab);
        await page.getByRole('tabpanel', { name: tab }).getByRole('heading', { level: 2 }).first().waitFor();
        if (tab === 'Overview')
          await failure(page, /^An instance of/)
            .first()
            .waitFor();
        await lookAt(page, `tab-${tab.toLowerCase()}`, theme);
      }
    });
  }

  test('the page never complained', () => assert.deepEqual(ada.complaints, []));
});

async function uidOf(node: string): Promise<string> {
  const { out } = await plane.kubectl('get', 'clusternode', node, '-n', 'demo', '-o', 'jsonpath={.metadata.uid}');
  assert.notEqual(out, '');
  return out;
}

/** The numbers of the ticks that are shown, of the ticker's newest life. */
async function ticksIn(page: Page): Promise<readonly number[]> {
  const text = (await page.getByRole('log').textContent()) ?? '';
  const all = [...text.matchAll(/ tick (\d+) /g)].map(([, number]) => Number(number));
  return all.slice(all.lastIndexOf(1) === -1 ? 0 : all.lastIndexOf(1));
}
