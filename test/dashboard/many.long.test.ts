import { QoS, serveDashboard, System } from 'edgeflow';
import type { Dashboard, RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import type { Browser, Page } from 'playwright-core';
import { ignoreElements } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freshEmbedded, pidOf } from '../support/system.js';
import { keep, keeps, liveCost, loadCost, noBrowser, openPage, startBrowser } from './browser.js';
import { crossroads } from './crossroads.js';

let browser: Browser;

beforeAll(async () => {
  if (noBrowser === undefined) browser = await startBrowser();
});

// A page goes on drawing for as long as it is open.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

afterAll(async () => {
  if (noBrowser === undefined) await browser.close();
});

const drawn = async (page: Page): Promise<number> => (await page.getByText(/^[1-9][\d.]*\/s shown$/).all()).length;

describe.skipIf(noBrowser !== undefined)('thirty nodes, sixteen cameras', () => {
  let running: RunningSystem;
  let dashboard: Dashboard;

  beforeAll(async () => {
    running = await crossroads().run({ broker: freshEmbedded(), handleSignals: false, onLog: () => undefined });
    dashboard = await serveDashboard(running, { port: 0, control: true });
  });

  afterAll(async () => {
    await running.stop();
  });

  test('each node has a box, each camera a picture, and each picture its boxes; and the page says what it cost', async () => {
    const { page, complaints } = await openPage(browser, dashboard.url);
    await page.getByText('ledger balanced').waitFor();
    expect(await page.getByRole('link', { name: /^Node / }).count()).toBe(30);
    console.log('page', JSON.stringify(await loadCost(page)));
    await page.getByRole('link', { name: /^Link camera-16 to find-8, realtime: flows/ }).waitFor();
    await page
      .getByRole('cell', { name: /^[1-9][\d.]*\/s$/ })
      .nth(23)
      .waitFor();
    if (keeps) await page.waitForTimeout(5_000);
    await keep(page, 'overview');
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    // Two cameras share a detector, which is another process: the values of both are seen.
    await until(
      'sixteen pictures with boxes',
      async () => (await page.getByRole('img', { name: /^Camera camera-\d+, block$/ }).count()) === 16,
      40_000,
    );
    await until('each is drawn again and again', async () => (await drawn(page)) === 16, 40_000);
    console.log('sixteen cameras', JSON.stringify(await liveCost(page, 5)));
    await keep(page, 'sixteen', { type: 'jpg' });
    expect(complaints).toEqual([]);
  });

  test('a node that is killed is seen to be down while the others go on, and to come back', async () => {
    const { page, complaints } = await openPage(browser, dashboard.url, { viewport: { width: 1440, height: 1000 } });
    await page.evaluate("location.hash = '#/node/find-3'");
    await page.getByRole('link', { name: 'Node find-3: running' }).waitFor();
    if (keeps) await page.waitForTimeout(8_000);
    const down = page.getByRole('link', { name: /^Node find-3: (restarting|starting)/ });
    let kills = 0;
    await until(
      'it is seen to be down',
      async () => {
        if (await down.isVisible()) return true;
        // It may be back before the page looks: the supervisor waits twice as long after each.
        const before = running.status().find(({ node, state }) => node === 'find-3' && state === 'running')?.pid;
        if (before !== undefined && kills < 4) {
          kills++;
          process.kill(before, 'SIGKILL');
          await until('it is gone', () => !running.status().some(({ node, pid }) => node === 'find-3' && pid === before));
        }
        await page.waitForTimeout(100);
        return false;
      },
      40_000,
    );
    await page.getByRole('link', { name: /^Link camera-5 to find-3, realtime: its node is down/ }).waitFor();
    expect(await page.getByRole('link', { name: 'Link camera-1 to find-1, realtime: flows' }).isVisible()).toBe(true);
    await keep(page, 'killed');
    await page.getByRole('link', { name: 'Node find-3: running' }).waitFor();
    await page.getByRole('cell', { name: String(pidOf(running, 'find-3')), exact: true }).waitFor();
    await page.getByText(new RegExp(`\\b${kills} restart`)).waitFor();
    expect(complaints).toEqual([]);
  });
});

describe.skipIf(noBrowser !== undefined)('one camera', () => {
  test('its pictures are drawn again and again; and the page says how often', async () => {
    const system = new System('one');
    const camera = system.node(new URL('../../dist/recipes/street/nodes/camera.js', import.meta.url), { name: 'camera', fps: 30, seed: 1 });
    const reader = system.node((frames) => frames.pipe(ignoreElements()), { name: 'reader', isolation: 'inline' });
    system.link(camera).to(reader, QoS.REALTIME);
    const running = await system.run({ broker: freshEmbedded(), handleSignals: false, onLog: () => undefined });
    const dashboard = await serveDashboard(running, { port: 0 });
    const { page } = await openPage(browser, dashboard.url);
    await page.getByText('ledger balanced').waitFor();
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    await until('it is drawn again and again', async () => (await drawn(page)) === 1, 40_000);
    console.log('one camera', JSON.stringify(await liveCost(page, 6)));
    await running.stop();
  });
});
