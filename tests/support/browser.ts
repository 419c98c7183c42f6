/**
 * A person's browser: Debian's Chromium without a window, on pages of our own director, with the ear of a screen reader (axe).
 *
 * It trusts the director's certificate without being asked, and nothing else is made easier for the page: its Content-Security-Policy holds.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';

const PROGRAM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const ACTION_MS = 20_000;
/** Where pictures go, for people who want to look; unset: none are made. */
const SHOTS = process.env['CONSOLE_SHOTS'];

export interface Person {
  readonly page: Page;
  /** What the page complained of since it was opened. */
  readonly complaints: readonly string[];
}

export async function openBrowser(): Promise<Browser> {
  assert.ok(existsSync(PROGRAM), `${PROGRAM} is missing: apt-get install chromium`);
  return await chromium.launch({ executablePath: PROGRAM, args: FLAGS });
}

export async function newPerson(browser: Browser, colorScheme: 'light' | 'dark' = 'light'): Promise<Person> {
  const context: BrowserContext = await browser.newContext({
    ignoreHTTPSErrors: true,
    colorScheme,
    viewport: DESK,
  });
  context.setDefaultTimeout(ACTION_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/content security policy|refused to/i.test(message.text())) complaints.push(message.text());
  });
  return { page, complaints };
}

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] }[];
}

/** Fails with what a person with a screen reader, or with weak eyes, would stumble over. */
export async function assertAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResult>('axe.run(document, { resultTypes: ["violations"] })');
  const says = violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.map(({ html }) => html.slice(0, 200)).join('\n    ')}`);
  assert.equal(says.length, 0, `${where} is not accessible:\n  ${says.join('\n  ')}`);
}

/** Fails when the page is wider than the screen. */
export async function assertFits(page: Page, where: string): Promise<void> {
  const [width, screen] = await page.evaluate<[number, number]>('[document.documentElement.scrollWidth, window.innerWidth]');
  assert.ok(width <= screen, `${where} is ${width} px wide on a screen of ${screen}`);
}

/** `whole`: also what is below the screen. */
export async function picture(page: Page, name: string, whole = false): Promise<void> {
  if (SHOTS === undefined) return;
  const height = whole ? await page.evaluate<number>('document.getElementById("main")?.scrollHeight ?? 0') : 0;
  const size = page.viewportSize();
  // The page scrolls inside of its frame, so the frame is made as high as its content.
  if (size !== null && height > size.height) await page.setViewportSize({ width: size.width, height: height + 120 });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), animations: 'disabled' });
  if (size !== null) await page.setViewportSize(size);
}

const DESK = { width: 1280, height: 900 };
const TELEPHONE = { width: 375, height: 812 };
const WALL = { width: 3840, height: 2160 };

/** As it is on a desk, a telephone and a wall (4k). What the size changes is no color, so the sizes are listened to in one theme, the desk in the other. */
export async function lookAt(page: Page, what: string, theme: 'light' | 'dark'): Promise<void> {
  if (theme === 'dark') await assertAccessible(page, `${what} ${theme}`);
  await picture(page, `${what}-${theme}`, true);
  for (const [name, size] of [['375', TELEPHONE] as const, ['4k', WALL] as const]) {
    if (theme === 'dark' && SHOTS === undefined) continue;
    await page.setViewportSize(size);
    await assertFits(page, `${what} at ${name}`);
    if (theme === 'light') await assertAccessible(page, `${what} at ${name}`);
    await picture(page, `${what}-${theme}-${name}`, name === '375');
  }
  await page.setViewportSize(DESK);
}
