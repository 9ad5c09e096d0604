import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QoS, serveDashboard, System } from 'edgeflow';
import type { Dashboard, RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { ignoreElements } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fixture, freshEmbedded, linkOf, pidOf } from '../support/system.js';
import { keep, keeps, noBrowser, openPage, startBrowser } from './browser.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const street = (node: string): URL => new URL(`../../dist/recipes/street/nodes/${node}.js`, import.meta.url);
const model = new URL('../../dist/recipes/street/street.onnx', import.meta.url).pathname;
const token = 'a-token-of-the-browser-test';
const folder = mkdtempSync(join(tmpdir(), 'edgeflow-page-'));

let running: RunningSystem;
let dashboard: Dashboard;
let browser: Browser;

/** What axe finds wrong for those who see, hear or type otherwise. Run from outside, as the page lets no other script in. */
async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const go = (page: Page, hash: string): Promise<void> => page.evaluate(`void (location.hash = ${JSON.stringify(hash)})`);

describe.skipIf(noBrowser !== undefined)('the page, in a browser', () => {
  beforeAll(async () => {
    browser = await startBrowser();
    const system = new System('street');
    const camera = system.node(street('camera'), { name: 'camera', fps: 10, seed: 1 });
    const yolo = system.node(street('yolo'), { name: 'yolo', model, scoreThreshold: 0.35 });
    const logger = system.node(street('logger'), { name: 'logger', file: join(folder, 'detections.jsonl') });
    const plates = system.node(fixture('nodes/picky.ts'), { name: 'plates', mended: join(folder, 'mended'), every: 15 });
    system.link(camera).to(yolo, QoS.REALTIME).to(logger, QoS.DURABLE);
    system.link(camera).to(plates, QoS.DURABLE, { retry: { maxDeliveries: 2, initialMs: 10 } });
    const candidate = system.node((frames) => frames.pipe(ignoreElements()), { name: 'candidate', isolation: 'inline' });
    system.link(camera).shadow(candidate);
    running = await system.run({ broker: freshEmbedded(), handleSignals: false, onLog: () => undefined, trace: { sample: 1 } });
    dashboard = await serveDashboard(running, { port: 0, control: true, token });
  });

  // A page goes on drawing for as long as it is open.
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });

  afterAll(async () => {
    await browser.close();
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('every view works: no errors, no policy broken, no barrier', async () => {
    const { page, complaints } = await openPage(browser, dashboard.url);
    await page.getByText('ledger balanced').waitFor();
    // The token is not left where others may read it.
    expect(page.url()).not.toContain(token);

    await page.getByRole('link', { name: /^Link camera to yolo/ }).waitFor();
    // A link that only looks on is drawn apart, and said to be.
    await page.getByRole('link', { name: /^Link camera to candidate, realtime shadow: / }).waitFor();
    await page.getByText('shadow: only looks on').waitFor();
    const dashes = '[...document.querySelectorAll("path.edge.shadow")].map((path) => getComputedStyle(path).strokeDasharray)';
    expect(await page.evaluate<string[]>(dashes)).toEqual(['0.1px, 6px']);
    expect(await barriers(page)).toEqual([]);

    await page.getByRole('link', { name: 'camera → yolo' }).click();
    const panel = page.getByRole('region', { name: 'camera → yolo' });
    await panel.getByText('published ✓').waitFor();
    await until('the figures add up', async () => {
      const cells = await panel.locator('.sum').first().locator('td').allInnerTexts();
      const [delivered = 0, skipped = 0, waiting = 0, published = -1] = cells.map((text) => Number(text.replace(/[^\d]/g, '')));
      return published > 20 && delivered + skipped + waiting === published;
    });
    expect(await panel.locator('.curve canvas').count()).toBe(2);
    expect(await barriers(page)).toEqual([]);
    if (keeps) {
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.waitForTimeout(8_000);
      await keep(page, 'link');
      await page.emulateMedia({ colorScheme: 'light' });
    }
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });

    await page.getByRole('link', { name: 'Live', exact: true }).click();
    await page.getByRole('img', { name: /^Camera camera, .*(person|car|dog|bicycle|bus)/ }).waitFor();
    const painted = 'new Set(document.querySelector("canvas").getContext("2d").getImageData(0, 0, 400, 200).data).size';
    expect(await page.evaluate<number>(painted)).toBeGreaterThan(50);
    await page.getByText(/^[1-9][\d.]*\/s shown$/).waitFor();
    await keep(page, 'live', { type: 'jpg', width: 1000 });
    expect(await barriers(page)).toEqual([]);

    await page.getByRole('link', { name: 'Find', exact: true }).click();
    // The detector skips what it has no time for: a frame that it took goes all the way.
    const { index } = JSON.parse(readFileSync(join(folder, 'detections.jsonl'), 'utf8').split('\n', 1)[0] ?? '') as { index: number };
    await page.getByLabel(/Frame number/).fill(String(index));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: new RegExp(`^camera ${index + 1}\\b`) }).waitFor();
    for (const node of ['yolo', 'logger', 'plates']) await page.getByRole('rowheader', { name: node }).first().waitFor();
    await keep(page, 'find');
    expect(await barriers(page)).toEqual([]);

    await page.getByRole('link', { name: /^Dead letters/ }).click();
    // What a node throws is text, whatever it holds.
    await page.getByText('no plate <b>that can be read</b>').first().waitFor();
    await until('the picture of a letter', () => page.evaluate<boolean>('document.querySelector(".letters img")?.naturalWidth > 0'));
    await keep(page, 'dead');
    expect(await barriers(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('a dead letter is dropped for good, at the second press', async () => {
    const { page } = await openPage(browser, dashboard.url);
    await go(page, '#/dead');
    const [letter] = await running.deadLetters('camera', { limit: 1 });
    const row = page.getByRole('listitem').filter({ hasText: new RegExp(`letter ${letter?.letter} ·`) });
    await row.getByRole('button', { name: 'Drop', exact: true }).click();
    expect((await running.deadLetters('camera', { limit: 1 }))[0]?.letter).toBe(letter?.letter);
    await row.getByRole('button', { name: 'Drop for good?' }).click();
    await page.getByText('1 dropped').waitFor();
    expect((await running.deadLetters('camera')).map((left) => left.letter)).not.toContain(letter?.letter);
  });

  test('a dead letter is given back, and dealt with', async () => {
    const { page } = await openPage(browser, dashboard.url);
    await go(page, '#/dead');
    await page.getByRole('button', { name: /^Re-drive (all|these)/ }).waitFor();
    writeFileSync(join(folder, 'mended'), '');
    // Letters that were written before the node saw that it is mended may still come.
    await until(
      'no letter is left',
      async () => {
        // The ledger goes on counting the one that was dropped.
        if (linkOf(await running.ledger(), 'camera', 'plates').dead === 1) return true;
        const button = page.getByRole('button', { name: /^Re-drive (all|these)/ });
        // It may be gone when it is pressed: the ledger says, in the next round.
        if (await button.isVisible()) await button.click({ timeout: 1_000 }).catch(() => undefined);
        return false;
      },
      40_000,
    );
    await page.getByText('None. Every message was dealt with').waitFor();
  });

  test('a node that is killed is seen to go and to come back', async () => {
    const { page } = await openPage(browser, dashboard.url);
    await go(page, '#/node/logger');
    const before = pidOf(running, 'logger');
    await page.getByRole('cell', { name: String(before), exact: true }).waitFor();
    process.kill(before, 'SIGKILL');
    await until('it runs again', () =>
      running.status().some(({ node, state, pid }) => node === 'logger' && state === 'running' && pid !== before),
    );
    await page.getByRole('cell', { name: String(pidOf(running, 'logger')), exact: true }).waitFor();
    await page.getByText('1 restart').waitFor();
  });

  test('a node is paused, and goes on', async () => {
    const { page } = await openPage(browser, dashboard.url);
    await go(page, '#/node/yolo');
    await page.getByRole('button', { name: 'pause' }).click();
    await page.getByRole('link', { name: 'Node yolo: paused' }).waitFor();
    await page.getByRole('button', { name: 'resume' }).click();
    await page.getByRole('link', { name: 'Node yolo: running' }).waitFor();
  });

  test('a node is drained, and restarted', async () => {
    const { page } = await openPage(browser, dashboard.url);
    await go(page, '#/node/logger');
    await page.getByRole('button', { name: 'drain' }).click();
    await page.getByText('drain: done').waitFor();
    await page.getByRole('link', { name: /^Node logger: (drained|paused)/ }).waitFor();
    await page.getByRole('button', { name: 'resume' }).click();
    await page.getByRole('link', { name: 'Node logger: running' }).waitFor();
    const before = pidOf(running, 'logger');
    await page.getByRole('button', { name: 'restart' }).click();
    await page.getByText('restart: done').waitFor();
    await until('it runs again', () =>
      running.status().some(({ node, state, pid }) => node === 'logger' && state === 'running' && pid !== before),
    );
    await page.getByRole('cell', { name: String(pidOf(running, 'logger')), exact: true }).waitFor();
  });

  test('the keyboard reaches every link and node, and opens them', async () => {
    const { page } = await openPage(browser, dashboard.url);
    await page.getByRole('link', { name: 'Node camera: running' }).waitFor();
    const reached = new Set<string>();
    for (let count = 0; count < 25; count++) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate<string>('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent'));
    }
    for (const name of ['camera', 'yolo', 'logger', 'plates']) expect([...reached].join('\n')).toContain(`Node ${name}: `);
    // How a link does, behind the colon, may change meanwhile.
    expect(new Set([...reached].flatMap((name) => /^Link [^,]+/.exec(name) ?? []))).toHaveProperty('size', 4);
    await page.getByRole('link', { name: 'Node camera: running' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'camera', exact: true }).waitFor();
  });

  test('on a phone nothing is cut off, by day and in the dark', async () => {
    const { page, complaints } = await openPage(browser, dashboard.url, {
      viewport: { width: 360, height: 740 },
      colorScheme: 'dark',
      deviceScaleFactor: 2,
    });
    await page.getByText('ledger balanced').waitFor();
    for (const hash of ['#/', '#/link/camera/plates', '#/node/yolo', '#/live', '#/find/30', '#/dead']) {
      await go(page, hash);
      await page.getByRole('main').waitFor();
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
      expect(await barriers(page)).toEqual([]);
      if (hash === '#/link/camera/plates') await keep(page, 'phone', { width: 540 });
    }
    expect(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')).toBe('rgb(15, 21, 28)');
    expect(complaints).toEqual([]);
  });

  test('a camera that sends nothing more is told from one that does', async () => {
    const { page } = await openPage(browser, dashboard.url);
    await go(page, '#/live');
    await page.getByText(/^[1-9][\d.]*\/s shown$/).waitFor();
    await running.pause('camera');
    await page.getByText(/^nothing for \d+ s$/).waitFor();
    await running.resume('camera');
    await page.getByText(/^[1-9][\d.]*\/s shown$/).waitFor();
  });

  test('a server that was started anew asks for the token again, and the page goes on', async () => {
    const first = await serveDashboard(running, { port: 0, token });
    const { page } = await openPage(browser, first.url);
    await page.getByText('ledger balanced').waitFor();
    await first.close();
    await page.getByText('the system has ended').waitFor();
    const second = await serveDashboard(running, { port: Number(new URL(first.address).port), token });
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByText('ledger balanced').waitFor();
    await second.close();
  });

  test('an address that was typed wrong leads nowhere else', async () => {
    const { page, complaints } = await openPage(browser, dashboard.url);
    for (const hash of ['#/find/100%', '#/node/%ff', '#/link/camera', '#/live/nobody', '#/nowhere']) {
      await go(page, hash);
      await page.getByText('ledger balanced').waitFor();
    }
    expect(complaints).toEqual([]);
  });

  test('who has no token sees the form, and nothing of the system', async () => {
    const { page } = await openPage(browser, dashboard.address);
    await page.getByLabel('Token').fill('wrong-token-of-a-stranger');
    await page.keyboard.press('Enter');
    await page.getByText('this is not the token').waitFor();
    expect(await page.innerText('body')).not.toContain('camera');
    expect(await barriers(page)).toEqual([]);
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByText('ledger balanced').waitFor();
  });
});
