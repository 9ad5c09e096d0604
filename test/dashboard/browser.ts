import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';

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

const pictures = process.env.EDGEFLOW_SCREENSHOTS;

/** Whether pictures of the page are kept: EDGEFLOW_SCREENSHOTS names a folder. What only makes them look better is waited for then alone. */
export const keeps = pictures !== undefined;

/** Keeps a picture of the page as the docs show it, where pictures are kept: few colours, or a JPEG where it shows a camera. */
export async function keep(page: Page, name: string, { type = 'png', width = 1100 }: Partial<PictureForm> = {}): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  const shot = sharp(await page.screenshot()).resize({ width, withoutEnlargement: true });
  const form = type === 'jpg' ? shot.jpeg({ quality: 76, progressive: true }) : shot.png({ palette: true, effort: 10 });
  await form.toFile(join(pictures, `dashboard-${name}.${type}`));
}

interface PictureForm {
  readonly type: 'png' | 'jpg';
  readonly width: number;
}

/** What loading the page cost, of a browser that has nothing of it. */
export function loadCost(page: Page): Promise<object> {
  return page.evaluate<object>(`(() => {
    const [load] = performance.getEntriesByType('navigation');
    const files = [load, ...performance.getEntriesByType('resource')].filter(({ name }) => !name.includes('/api/'));
    return {
      firstPaintMs: Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN),
      loadedMs: Math.round(load.loadEventEnd),
      files: files.length,
      transferredBytes: files.reduce((sum, { transferSize }) => sum + transferSize, 0),
      decodedBytes: files.reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0),
    };
  })()`);
}

/** How often each camera was drawn in a second, and what that took of the line, over some seconds. */
export async function liveCost(
  page: Page,
  seconds: number,
): Promise<{ readonly perCamera: readonly number[]; readonly kilobytesPerSecond: number }> {
  const bytes = 'performance.getEntriesByType("resource").reduce((sum, { transferSize }) => sum + transferSize, 0)';
  const drawn = page.getByText(/\/s shown$/);
  await page.evaluate('performance.clearResourceTimings(); performance.setResourceTimingBufferSize(10_000)');
  await page.waitForTimeout(seconds * 1_000);
  const perCamera = (await drawn.allInnerTexts()).map((text) => parseFloat(text));
  return { perCamera, kilobytesPerSecond: Math.round((await page.evaluate<number>(bytes)) / 1_000 / seconds) };
}
