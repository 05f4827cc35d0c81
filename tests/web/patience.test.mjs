// How long the adapter waits for browsers that keep it waiting. All at once, because each of them takes its time.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startWorld, waitUntil, within } from './harness.mjs';
import { SocketBrowser } from './socket_browser.mjs';

const PATIENCE = 120_000; // milliseconds; the longest of the adapter's own limits is 45 s

let world;
before(async () => (world = await startWorld()));
after(() => world?.close());

const open = (options) => new SocketBrowser(world.wsUrl, { origin: world.url, ...options });

async function login(username, options) {
    const browser = open(options);
    await browser.login(username, { got: true });
    return browser;
}

async function assertServing() {
    const answer = await within(fetch(world.url + '/health'), 'health', 5000);
    assert.deepEqual(await answer.json(), { status: 'ok' });
}

describe('patience', { concurrency: true }, () => {
    test('a thousand half-open connections, and one that never logs in', async () => {
        const silent = open();
        await silent.opened;
        const alice = await login('alice');
        const sockets = [];
        for (let i = 0; i < 1000; i++) {
            const socket = net.connect(world.ports.adapter, '127.0.0.1');
            socket.on('error', () => {});
            socket.on('close', () => (socket.gone = true));
            sockets.push(socket);
            if (i % 2 === 0) socket.write('GET / HTTP/1.1\r\nHost: ');
        }
        // One of them goes on, byte by byte.
        const trickle = setInterval(() => sockets[0].gone || sockets[0].write('a'), 500);
        const connected = sockets.map(
            (socket) => socket.readyState === 'open' || new Promise((resolve) => socket.once('connect', resolve)),
        );
        await within(Promise.all(connected), 'connections');
        await assertServing();
        const bob = await login('bob');
        bob.send({ type: 'chat', recipient: 'alice', message: 'still here' });
        assert.equal((await alice.type('chat')).message, 'still here');
        await waitUntil(() => sockets.every((socket) => socket.gone), 'the half-open connections are closed');
        clearInterval(trickle);
        assert.equal((await silent.type('error')).code, 'timeout');
        assert.equal(await within(silent.closed, 'close'), 1008);
        await alice.ping();
        await alice.leave();
        await bob.leave();
        await assertServing();
    });

    test('who does not read is closed within half a minute, and gets all of it at the next visit', async () => {
        const carol = await world.json('carol');
        const slow = await login('slow');
        slow.socket.pause();
        const text = 'x'.repeat(16_000);
        const count = 900; // 14 MB: more than all buffers on the way, less than a mailbox
        for (let i = 0; i < count; i++) carol.send({ type: 'chat', destination: 'slow', id: `slow-${i}`, message: text });
        let again = null;
        await waitUntil(
            async () => {
                const candidate = open();
                await candidate.opened;
                candidate.send({ type: 'login', username: 'slow', got: true });
                const answer = await candidate.take((frame) => /^(login_success|error)$/.test(frame.type), 'an answer');
                if (answer.type === 'login_success') again = candidate;
                else await new Promise((resolve) => setTimeout(resolve, 1000));
                return again;
            },
            'the name is free again',
            PATIENCE,
        );
        const seen = [];
        await waitUntil(() => {
            for (const frame of again.frames.splice(0))
                if (frame.type === 'stored') {
                    seen.push(frame.id);
                    again.send({ type: 'got', sender: 'carol', id: frame.id });
                }
            return seen.length >= count;
        }, 'all of them');
        assert.deepEqual(seen, Array.from({ length: count }, (_, i) => `slow-${i}`));
        slow.socket.resume();
        await within(slow.closed, 'the end of the slow one');
        await again.ping();
        await again.leave();
        carol.close();
    });

    test('a silent browser is pinged, and gone when it answers none', async () => {
        const dave = await login('dave');
        const dead = await login('dead', { autoPong: false });
        const quiet = await login('quiet');
        let pings = 0;
        quiet.socket.on('ping', () => (pings += 1));
        await dave.take((frame) => frame.type === 'user_joined' && frame.username === 'quiet', 'quiet came');
        await within(dead.closed, 'the end of the dead one', 60_000);
        await dave.take((frame) => frame.type === 'user_left' && frame.username === 'dead', 'dead left');
        assert.ok(pings >= 1);
        await quiet.ping();
        await quiet.leave();
        await dave.leave();
    });
});
