import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

/** Why there is no browser; undefined where there is one. */
export const noBrowser = executablePath === undefined ? 'there is no Chromium (Debian: chromium)' : undefined;

/** A page that is looked at. */
export interface OpenPage {
  /** Pictures that it has fetched so far. */
  readonly pictures: () => number;
  readonly close: () => Promise<void>;
}

/** Opens the live pictures of a dashboard. */
export async function openLive(address: string): Promise<OpenPage> {
  const browser = await chromium.launch({ ...(executablePath !== undefined && { executablePath }), args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  let pictures = 0;
  page.on('response', (response) => {
    if (new URL(response.url()).pathname === '/api/live' && response.ok()) pictures++;
  });
  await page.goto(`${address}#/live`);
  await page.waitForSelector('canvas, img');
  return { pictures: () => pictures, close: () => browser.close() };
}
