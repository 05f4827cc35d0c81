// The page with services that say what a test wants (page_suite has the real ones): the command buttons, the thermometer's chart, the bot's answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPage } from './browser.mjs';

const { world, browser } = await startPage();
const openai = await world.json('openai');

test('the command buttons', async () => {
    const alice = await browser.join('alice');
    await alice.button('Check Stored Messages').click();
    await alice.page.locator('#toasts').getByText('No stored messages.').waitFor();

    await alice.button('Chat with OpenAI').click();
    await alice.page.locator('#with-name').getByText('openai').waitFor();
    const commands = {
        Help: 'help',
        Happy: 'personality happy',
        Angry: 'personality angry',
        Spanish: 'personality spanish',
        Rotate: 'rotate',
    };
    for (const [label, text] of Object.entries(commands)) {
        await alice.button(label).click();
        await openai.receive(text);
    }
    await alice.button('Check Stored Messages').click();
    await alice.page.locator('.notice').getByText('No stored messages.').waitFor();
    await alice.close();
});

test('a growing answer becomes the whole one', async () => {
    const bob = await browser.join('bob');
    await bob.button('Chat with OpenAI').click();
    const answer = 'Two lines:\nthe second\n```\nconst a = "<b>";\n```';
    openai.send({ type: 'partial', destination: 'bob', id: 'answer-1', text: 'Two' });
    await bob.message('Two', '.message.partial').waitFor();
    openai.send({ type: 'partial', destination: 'bob', id: 'answer-1', text: 'Two lines' });
    await bob.message('Two lines', '.message.partial').waitFor();
    await openai.message('bob', answer, { id: 'answer-1' });
    await bob.page.locator('.message[data-kind=bot]:not(.partial)').waitFor();
    assert.equal(await bob.page.locator('.message').count(), 1);
    assert.equal(await bob.page.locator('pre').textContent(), 'const a = "<b>";');
    await bob.page.locator('#announcer').getByText('openai: Two lines:').waitFor();
    assert.equal(await bob.page.locator('#announcer p').count(), 1);
    await bob.close();
});

test('readings are drawn', async () => {
    const thermometer = await world.json('thermometer1');
    const carol = await browser.join('carol');
    await carol.button('Subscribe to Thermometer').click();
    await thermometer.receive('subscribe');
    await thermometer.message('carol', 'You are subscribed: the temperature comes every 100 s.', {
        type: 'notification',
    });
    await carol.page.getByText('No readings yet.').waitFor();

    const start = Date.now() - 600_000;
    const reading = (index, temperature) => ({
        temperature,
        unit: '°C',
        time: new Date(start + index * 100_000).toISOString(),
    });
    const values = [20.25, 22.5, 19.75, 21];
    for (const [index, value] of values.entries())
        await thermometer.message('carol', `Temperature: ${value} °C`, {
            type: 'subscription',
            metadata: reading(index, value),
        });
    const { page } = carol;
    await page.locator('#chart[data-points="4"]').waitFor();
    assert.equal(await page.locator('#last-value').textContent(), '21.0 °C');
    assert.equal(await page.locator('#range-value').textContent(), '19.8 – 22.5 °C');
    assert.match(await page.locator('#time-value').textContent(), /^\d\d:\d\d:\d\d$/);
    await page.locator('.readings summary').getByText('4 readings, 19.8 to 22.5 °C').waitFor();
    assert.ok(await page.locator('#chart').evaluate(hasInk), 'something is drawn');
    assert.equal(await page.title(), 'P2P chat');

    // The answer to "range" brings more of them, and some that are here already.
    await carol.button('Range').click();
    await thermometer.receive('range');
    const readings = [reading(-2, 18), reading(-1, 19), reading(0, 20.25)].map(({ temperature, time }) => ({
        temperature,
        time,
    }));
    await thermometer.message('carol', 'Range: 18.0 to 22.5 °C', {
        type: 'notification',
        metadata: { unit: '°C', readings },
    });
    await page.locator('#chart[data-points="6"]').waitFor();
    assert.equal(await page.locator('#range-value').textContent(), '18.0 – 22.5 °C');

    await page.reload();
    await carol.connected();
    await carol.person('thermometer1').click();
    await page.locator('#chart[data-points="6"]').waitFor();
    await carol.button('Unsubscribe').click();
    await thermometer.receive('unsubscribe');
    await carol.close();
});

function hasInk(canvas) {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, index) => index % 4 === 3 && value > 0);
}
