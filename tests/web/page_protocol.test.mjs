// What the page does with frames that a healthy server seldom sends: repeats, refusals, silence, a name that is taken
// for a moment. The WebSocket is played by the test; the page comes from the adapter's folder all the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPage } from './browser.mjs';
import { waitUntil } from './harness.mjs';

const { browser } = await startPage();

// A person whose server is this object: `frames` came from the page, send() goes to it, onLogin may be replaced.
async function visitPlayed() {
    const server = {
        frames: [],
        logins: 0,
        send: (frame) => server.socket.send(JSON.stringify(frame)),
        of: (type) => server.frames.filter((frame) => frame.type === type),
        onLogin: ({ username }) =>
            server.send({
                type: 'login_success',
                username,
                online_users: [username, 'peer'],
                max_message_bytes: 100,
            }),
    };
    const prepare = (page) =>
        page.routeWebSocket('**/ws', (socket) => {
            server.socket = socket;
            socket.onMessage((text) => {
                const frame = JSON.parse(text);
                server.frames.push(frame);
                if (frame.type !== 'login') return;
                server.logins += 1;
                server.onLogin(frame);
            });
        });
    return { server, person: await browser.visit({ prepare }) };
}

const message = (id, text, more = {}) => ({
    type: 'chat',
    sender: 'peer',
    id,
    message: text,
    timestamp: '2026-11-22T17:01:39.123456+00:00',
    metadata: {},
    ...more,
});

test('a repeat is dropped, and acknowledged again; nothing is acknowledged before it is kept', async () => {
    const { server, person } = await visitPlayed();
    await person.join('alice');
    assert.deepEqual(server.of('login')[0], { type: 'login', username: 'alice', got: true });
    server.send(message('m1', 'once'));
    await person.sees('once');
    await waitUntil(() => server.of('got').length === 1, 'got');
    server.send(message('m1', 'once'));
    await waitUntil(() => server.of('got').length === 2, 'got again');
    assert.deepEqual(server.of('got')[1], { type: 'got', sender: 'peer', id: 'm1' });

    // Kept: after a reload it is there, and a repeat is still one.
    await person.page.reload();
    await person.connected();
    await person.person('peer').click();
    server.send({ ...message('m1', 'once'), type: 'stored', message_type: 'chat' });
    await waitUntil(() => server.of('got').length === 3, 'got after the reload');
    assert.equal(await person.message('once').count(), 1);
    await person.close();
});

test('a refused message says why, and goes again with its id', async () => {
    const { server, person } = await visitPlayed();
    await person.join('bob');
    await person.write('peer', 'hello');
    await person.reached('hello', 'sent');
    const [{ id }] = server.of('chat');
    server.send({
        type: 'receipt',
        id,
        status: 'rejected',
        code: 'mailbox_full',
        reason: "the recipient's mailbox is full",
    });
    await person.page.locator('.refusal').getByText("Not sent: the recipient's mailbox is full").waitFor();
    const preview = person.person('peer').locator('.preview');
    await preview.getByText('Not sent: hello').waitFor();
    await person.button('Try again').click();
    await preview.getByText('You: hello').waitFor();
    await waitUntil(() => server.of('chat').length === 2, 'the second try');
    assert.equal(server.of('chat')[1].id, id);
    server.send({ type: 'receipt', id, status: 'delivered' });
    await person.reached('hello', 'delivered');
    server.send({ type: 'receipt', id, status: 'stored' });
    server.send({ type: 'system', message: 'after the late receipt' });
    await person.page.locator('.notice').getByText('after the late receipt').waitFor();
    await person.reached('hello', 'delivered');
    assert.equal(await person.page.locator('.refusal').count(), 0);
    await person.close();
});

test('what has no receipt when the link breaks goes again, with its id; what has one does not', async () => {
    const { server, person } = await visitPlayed();
    await person.join('carol');
    await person.write('peer', 'first');
    await person.say('second');
    await waitUntil(() => server.of('chat').length === 2, 'both');
    const [first, second] = server.of('chat');
    server.send({ type: 'receipt', id: first.id, status: 'stored' });
    await person.reached('first', 'stored');
    // Just after the link broke the server may still hold the old session.
    server.onLogin = () => server.send({ type: 'error', code: 'username_taken', message: 'taken' });
    await server.socket.close({ code: 1011 });
    await waitUntil(() => server.logins >= 3, 'tries under the own name');
    server.onLogin = ({ username }) =>
        server.send({ type: 'login_success', username, online_users: [username], max_message_bytes: 100 });
    await person.connected();
    await waitUntil(() => server.of('chat').length === 3, 'the second one again');
    assert.deepEqual(server.of('chat')[2], { ...second, resend: true });
    await person.close();
});

test('a message above the limit is not sent, and says by how much', async () => {
    const { server, person } = await visitPlayed();
    await person.join('dave');
    await person.open('peer');
    await person.box.fill('ä'.repeat(60));
    await person.page.getByText('Too long by 20 bytes.').waitFor();
    await person.box.press('Enter');
    await person.box.fill('ä'.repeat(50));
    await person.box.press('Enter');
    await waitUntil(() => server.of('chat').length === 1, 'the message that fits');
    assert.equal(server.of('chat')[0].message, 'ä'.repeat(50));

    // Nor what would not fit into one WebSocket frame, whatever the server's own limit is.
    server.onLogin = ({ username }) =>
        server.send({ type: 'login_success', username, online_users: [], max_message_bytes: 1_000_000 });
    await person.page.reload();
    await person.connected();
    await person.open('peer');
    await person.box.fill('"'.repeat(40_000));
    await person.page.getByText(/^Too long by/).waitFor();
    await person.close();
});

test('many at once: all are there, in order, the last ones drawn, and announced as a number', async () => {
    const { server, person } = await visitPlayed();
    await person.join('erin');
    await person.open('peer');
    const count = 1500;
    for (let index = 0; index < count; index++) server.send(message(`m${index}`, `text ${index}`));
    await person.sees(`text ${count - 1}`);
    await waitUntil(() => server.of('got').length === count, 'all acknowledged');
    const texts = await person.texts();
    assert.deepEqual(
        texts,
        texts.map((_, index) => `text ${count - texts.length + index}`),
    );
    assert.ok(texts.length < 700, 'the page stays small');
    await person.button('Earlier messages').click();
    await waitUntil(async () => (await person.texts()).length > texts.length, 'earlier ones');
    assert.ok((await person.page.locator('#announcer p').count()) < 200);
    await person.close();
});
