// The page as different people use it: phone, dark, keyboard alone, a screen reader, somebody who looks elsewhere.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { startPage } from './browser.mjs';
import { waitUntil } from './harness.mjs';

const axe = await readFile(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const { world, browser } = await startPage();

const groundOf = (person) => person.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);

test('a phone shows the list and the thread in turn, and nothing wider than itself', async () => {
    const alice = await browser.join('alice', {
        viewport: { width: 360, height: 640 },
        hasTouch: true,
        isMobile: true,
    });
    const bob = await world.json('bob');
    const { page } = alice;
    await alice.open('bob');
    assert.ok(!(await page.locator('#people').isVisible()));
    await alice.say('w'.repeat(300));
    await alice.reached('w'.repeat(300), 'stored');
    await bob.message('alice', 'short');
    await alice.sees('short');
    // Not innerWidth: a phone's browser makes that as wide as what sticks out.
    const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= screen.width);
    assert.ok(await fits());
    assert.ok(await alice.button('Send').isVisible());
    await alice.button('Back to the list').click();
    assert.ok(await page.locator('#people').isVisible());
    assert.ok(!(await page.locator('#thread').isVisible()));
    assert.ok(await fits());
    await alice.button('Chat with OpenAI').click();
    assert.ok(await alice.button('Rotate').isVisible());
    await page.goBack();
    await page.locator('#people').waitFor();
    await alice.person('bob').click();
    await alice.sees('short');
    assert.ok(await fits());
    await world.kill('server');
    await alice.disconnected();
    assert.ok(await alice.button('Try now').isVisible());
    assert.ok(await fits());
    await world.start('server');
    await alice.connected();
    await alice.close();
});

test('a phone on its side, or with its keyboard out, still has its message box beside the chart', async () => {
    const thermometer = await world.json('thermometer1');
    const metadata = { temperature: 20, unit: '°C' };
    const lisa = await browser.join('lisa', { viewport: { width: 640, height: 640 } });
    await thermometer.message('lisa', 'Temperature', { type: 'subscription', metadata });
    await lisa.person('thermometer1').click();
    await lisa.page.locator('#chart[data-points="1"]').waitFor();
    for (const [width, height] of [[360, 310], [568, 320], [740, 360], [320, 400], [1280, 420]]) {
        await lisa.page.setViewportSize({ width, height });
        const box = await lisa.page.locator('#composer').boundingBox();
        assert.ok(box.y + box.height <= height, `${width} x ${height}: ${JSON.stringify(box)}`);
        assert.ok((await lisa.page.locator('#scroller').boundingBox()).height >= 24, `messages at ${width} x ${height}`);
        assert.ok(await lisa.page.locator('#last-value').isVisible());
    }
    await lisa.close();
    thermometer.close();
});

test('dark and light: by the system, by hand, and by hand at the next visit', async () => {
    const carl = await browser.visit({ colorScheme: 'dark' });
    const dark = await groundOf(carl);
    await carl.page.emulateMedia({ colorScheme: 'light' });
    const light = await groundOf(carl);
    assert.notEqual(dark, light);
    await carl.join('carl');
    await carl.button('Theme: as the system').click();
    await carl.button('Theme: light').click();
    assert.equal(await groundOf(carl), dark);
    await carl.page.reload();
    assert.equal(await groundOf(carl), dark);
    await carl.button('Theme: dark').click();
    assert.equal(await groundOf(carl), light);
    await carl.close();
});

// From the left edge of the first letter to that of the last.
const firstToLast = (locator) =>
    locator.evaluate((element) => {
        const leftOf = (index) => {
            const range = document.createRange();
            range.setStart(element.firstChild, index);
            range.setEnd(element.firstChild, index + 1);
            return range.getBoundingClientRect().left;
        };
        return leftOf(element.textContent.length - 1) - leftOf(0);
    });

test('a text from right to left is in its own order, also in the list; a name does not turn what is beside it', async () => {
    const ruth = await browser.join('ruth');
    const writer = await world.json('שרה');
    await world.json('אבא');
    await writer.message('ruth', 'שלום alice טוב');
    // Again and again: the entry is drawn anew with every change, and what was taken out of the page has no place.
    const preview = ruth.person('שרה').locator('bdi', { hasText: 'alice' });
    await waitUntil(async () => (await firstToLast(preview)) < 0, 'the preview in its own order');
    const lefts = await waitUntil(async () => {
        const names = await ruth.page
            .locator('#online bdi')
            .evaluateAll((all) => all.map((name) => [name.textContent, name.getBoundingClientRect().left]));
        return names.some(([name]) => name === 'שרה') && names.map(([, left]) => left);
    }, 'both are online');
    assert.deepEqual(lefts, [...lefts].sort((a, b) => a - b), 'names stand in the order of the list');
    await ruth.person('שרה').click();
    assert.ok((await firstToLast(ruth.page.locator('.message .text'))) < 0);
    await ruth.close();
});

// What a notice lies upon, of the elements with these ids. Without its animation.
async function coveredByNotice(ids) {
    const { toast } = await import('/js/views/toast.js');
    toast('A notice that is not short at all, but is to be read beside everything else.');
    const notice = document.querySelector('.toast').getBoundingClientRect();
    return ids.filter((id) => {
        const box = document.getElementById(id).getBoundingClientRect();
        const below = box.top >= notice.bottom || box.bottom <= notice.top;
        return box.width > 0 && !below && box.left < notice.right && box.right > notice.left;
    });
}

test('a notice covers neither a field nor a name', async () => {
    for (const width of [1280, 768, 360]) {
        const viewport = { width, height: 600 };
        const nora = await browser.join(`nora${width}`, { viewport, reducedMotion: 'reduce' });
        await nora.open('somebody');
        const ids = ['to', 'message', 'with-name', 'me', 'logout'];
        assert.deepEqual(await nora.page.evaluate(coveredByNotice, ids), [], `at ${width}`);
        await nora.close();
    }
});

test('the keyboard alone is enough', async () => {
    const dora = await browser.visit();
    const { page } = dora;
    const { keyboard } = page;
    await world.json('emil');
    await page.getByLabel('Username').waitFor();
    await keyboard.type('dora');
    await keyboard.press('Enter');
    await dora.connected();
    await dora.person('emil').waitFor();
    assert.ok(await isFocused(dora.to));
    await keyboard.type('em');
    await page.getByRole('option', { name: /emil/ }).waitFor();
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    assert.ok(await isFocused(dora.box));
    await keyboard.type('line one');
    await keyboard.press('Shift+Enter');
    await keyboard.type('line two');
    await keyboard.press('Enter');
    await dora.reached('line one\nline two', 'stored');

    // Back through the page to the list; every stop on the way can be seen.
    const person = dora.person('emil');
    for (let steps = 0; steps < 30 && !(await isFocused(person)); steps++) {
        await keyboard.press('Shift+Tab');
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.notEqual(outline, 'none');
    }
    assert.ok(await isFocused(person));
    await keyboard.press('ArrowDown');
    await keyboard.press('ArrowUp');
    await keyboard.press('Enter');
    assert.ok(await isFocused(dora.box));
    await dora.open('other');
    await keyboard.press('Alt+ArrowDown');
    await page.locator('#with-name').getByText('emil').waitFor();

    await dora.button('Logout').focus();
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keyboard.press('Escape');
    assert.ok(await isFocused(dora.button('Logout')));
    await dora.close();
});

test('axe-core finds nothing: login, list, chat, bot, chart, dialog; light and dark', async () => {
    const check = async (person, what) => {
        await person.page.evaluate(axe);
        const { violations } = await person.page.evaluate(() =>
            window.axe.run(document, { resultTypes: ['violations'] }),
        );
        const told = violations.map(
            ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n   ')}`,
        );
        assert.deepEqual(told, [], what);
    };
    const thermometer = await world.json('thermometer1');
    const openai = await world.json('openai');
    for (const colorScheme of ['light', 'dark']) {
        const name = `frida-${colorScheme}`;
        const frida = await browser.visit({ colorScheme, reducedMotion: 'reduce' });
        await frida.fillLogin('');
        await frida.page.locator('#username-error').getByText('Enter a name').waitFor();
        await check(frida, `login, ${colorScheme}`);
        await frida.join(name);
        await check(frida, `empty list, ${colorScheme}`);
        await openai.message(name, 'See https://example.org\n```\ncode\n```');
        await frida.sees('See https://example.orgcode');
        await frida.say('thanks');
        await frida.reached('thanks', 'stored');
        await check(frida, `bot, ${colorScheme}`);
        await thermometer.message(name, 'Temperature', {
            type: 'subscription',
            metadata: { temperature: 20, unit: '°C' },
        });
        await frida.person('thermometer1').click();
        await frida.page.locator('#chart[data-points="1"]').waitFor();
        await check(frida, `chart, ${colorScheme}`);
        await frida.button('Logout').click();
        await check(frida, `dialog, ${colorScheme}`);
        const ids = await frida.page.locator('[id]').evaluateAll((elements) => elements.map(({ id }) => id));
        assert.deepEqual(
            ids.filter((id, index) => ids.indexOf(id) !== index),
            [],
            'ids are unique',
        );
        await frida.close();
    }
});

test('somebody who looks elsewhere is notified, once they allowed it', async () => {
    const prepare = (page) =>
        page.addInitScript(() => {
            window.shown = [];
            window.asked = 0;
            window.Notification = class {
                static permission = 'default';
                static async requestPermission() {
                    window.asked += 1;
                    return (this.permission = 'granted');
                }
                constructor(title, { body }) {
                    window.shown.push([title, body]);
                }
            };
            window.lookAway = (away) => {
                Object.defineProperty(document, 'hidden', { value: away, configurable: true });
                document.dispatchEvent(new Event('visibilitychange'));
            };
        });
    const gert = await browser.join('gert', { prepare });
    const { page } = gert;
    const hanna = await world.json('hanna');
    await gert.open('hanna');
    assert.equal(await page.evaluate(() => window.asked), 0);
    await gert.button('Desktop notifications').click();
    await page.locator('#notify[aria-pressed=true]').waitFor();
    await hanna.message('gert', 'while you look');
    await gert.sees('while you look');
    await page.evaluate(() => window.lookAway(true));
    await hanna.message('gert', 'while you are away');
    await gert.sees('while you are away');
    assert.deepEqual(await page.evaluate(() => window.shown), [['hanna', 'while you are away']]);
    await waitUntil(async () => (await page.title()) === '(1) P2P chat', 'the title');
    await page.evaluate(() => window.lookAway(false));
    await waitUntil(async () => (await page.title()) === 'P2P chat', 'the title without a count');
    await gert.close();
});
