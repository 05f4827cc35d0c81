// People at the page, in Debian's Chromium: one browser for a test file, one context (cookies, storage) a person.
//
//   const { world, browser } = await startPage();  // both end with the tests of the file
//   const alice = await browser.join('alice');
//   await alice.write('bob', 'hello');

import { after } from 'node:test';
import { chromium } from 'playwright-core';
import { DEADLINE, startWorld } from './harness.mjs';

const executablePath = process.env.P2P_CHROMIUM ?? '/usr/bin/chromium';

export async function startBrowser(url) {
    return new Browser(await chromium.launch({ executablePath, args: ['--disable-dev-shm-usage'] }), url);
}

// The whole chain, and a browser for its page.
export async function startPage() {
    const world = await startWorld();
    const opening = startBrowser(world.url);
    after(async () => {
        const ends = await Promise.allSettled([opening.then((browser) => browser.close()), world.close()]);
        for (const end of ends) if (end.status === 'rejected') throw end.reason;
    });
    return { world, browser: await opening };
}

class Browser {
    constructor(chromium, url) {
        this.chromium = chromium;
        this.url = url;
        this.problems = [];
    }

    // Somebody at the login form. Options as Playwright's newContext, and prepare(page), called before the page loads.
    async visit({ prepare, ...options } = {}) {
        const context = await this.chromium.newContext({
            viewport: { width: 1280, height: 800 },
            locale: 'en-GB',
            ...options,
        });
        context.setDefaultTimeout(DEADLINE);
        const page = await context.newPage();
        page.on('pageerror', (error) => this.problems.push(error.stack));
        page.on('console', (message) => {
            if (/Content Security Policy|Refused to/.test(message.text())) this.problems.push(message.text());
        });
        await prepare?.(page);
        await page.goto(this.url);
        return new Person(page);
    }

    async join(username, options) {
        const person = await this.visit(options);
        await person.join(username);
        return person;
    }

    // Throws if a page had an error or broke its security policy.
    async close() {
        await this.chromium.close();
        if (this.problems.length) throw new Error(this.problems.join('\n'));
    }
}

export class Person {
    constructor(page) {
        this.page = page;
    }

    async fillLogin(username) {
        await this.page.getByLabel('Username').fill(username);
        await this.page.getByRole('button', { name: 'Join Chat' }).click();
    }

    async join(username) {
        this.username = username;
        await this.fillLogin(username);
        await this.connected();
    }

    connected() {
        return this.page.locator('#link-state[data-state=online]').waitFor();
    }

    disconnected() {
        return this.page.locator('#link-state[data-state=waiting]').waitFor();
    }

    get box() {
        return this.page.getByRole('textbox', { name: 'Message', exact: true });
    }

    get to() {
        return this.page.getByRole('combobox', { name: 'To:' });
    }

    button(name) {
        return this.page.getByRole('button', { name, exact: true });
    }

    // The entry of the list.
    person(name) {
        return this.page.locator(`button[data-peer="${name}"]`);
    }

    async open(name) {
        await this.to.fill(name);
        await this.to.press('Enter');
        await this.page.locator('#with-name').getByText(name, { exact: true }).waitFor();
    }

    async write(name, text) {
        await this.open(name);
        await this.say(text);
    }

    async say(text) {
        await this.box.fill(text);
        await this.box.press('Enter');
    }

    // The messages of the open thread that have exactly this text.
    message(text, selector = '.message') {
        return this.page
            .locator(selector)
            .filter({ has: this.page.locator('.text', { hasText: exactly(text) }) });
    }

    // Waits until an own message has got so far.
    reached(text, status) {
        return this.message(text, `.message[data-direction=out][data-status=${status}]`).waitFor();
    }

    sees(text) {
        return this.message(text).first().waitFor();
    }

    texts() {
        return this.page.locator('.message .text').allTextContents();
    }

    close() {
        return this.page.context().close();
    }
}

function exactly(text) {
    return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}
