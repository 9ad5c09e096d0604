import { serveDashboard } from 'edgeflow';
import type { Dashboard, RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmbedded } from '../support/system.js';
import { keep, noBrowser, openPage, startBrowser } from './browser.js';
import { crossroads } from './crossroads.js';

let running: RunningSystem;
let dashboard: Dashboard;
let browser: Browser;

describe.skipIf(noBrowser !== undefined)('thirty nodes, sixteen cameras', () => {
  beforeAll(async () => {
    browser = await startBrowser();
    running = await crossroads().run({ broker: freshEmbedded(), handleSignals: false, onLog: () => undefined });
    dashboard = await serveDashboard(running, { port: 0 });
  });

  afterAll(async () => {
    await browser.close();
    await running.stop();
  });

  test('each node has a box, each camera a picture, and each picture its boxes; and the page says what it cost', async () => {
    const { page, complaints } = await openPage(browser, dashboard.url);
    await page.getByText('ledger balanced').waitFor();
    expect(await page.getByRole('link', { name: /^Node / }).count()).toBe(30);
    const cost = await page.evaluate<object>(`(() => {
      const files = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
      return {
        firstPaintMs: Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN),
        loadedMs: Math.round(performance.getEntriesByType('navigation')[0].loadEventEnd),
        transferredBytes: files.filter(({ name }) => !name.includes('/api/')).reduce((sum, { transferSize }) => sum + transferSize, 0),
      };
    })()`);
    console.log('page', JSON.stringify(cost));
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    await until(
      'sixteen pictures with boxes',
      async () => (await page.getByRole('img', { name: /^Camera camera-\d+, block$/ }).count()) === 16,
      40_000,
    );
    await until('each says how often it is drawn', async () => (await page.getByText(/^\d.*\/s shown$/).allInnerTexts()).length === 16);
    console.log('shown', (await page.getByText(/\/s shown$/).allInnerTexts()).join(' '));
    await keep(page, 'sixteen');
    expect(complaints).toEqual([]);
  });
});
