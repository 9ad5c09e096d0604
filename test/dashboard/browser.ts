import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

/** Why there is no browser; undefined where there is one. */
export const noBrowser = executablePath === undefined ? 'no Chromium is installed' : undefined;

export function startBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error(noBrowser);
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** A page, and all that it complained about: errors, and what the content security policy kept from happening. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  // The page takes the token out of its address once it is logged in: where a test goes before that is lost.
  await page.waitForFunction("!location.hash.includes('token=')");
  return { page, complaints };
}

/** Keeps a picture of the page where EDGEFLOW_SCREENSHOTS names a folder. */
export async function keep(page: Page, name: string): Promise<void> {
  const folder = process.env.EDGEFLOW_SCREENSHOTS;
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `dashboard-${name}.png`) });
}
