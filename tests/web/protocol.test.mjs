// What the adapter promises to browsers, to other pages and to attackers: the real programs, spoken to over real
// sockets. Every test that sends rubbish ends with a normal request.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { binFolder, Program, startWorld, waitUntil, within } from './harness.mjs';
import { SocketBrowser } from './socket_browser.mjs';

let world;
let page; // folder of a small page

before(async () => {
    page = await mkdtemp(path.join(os.tmpdir(), 'p2p-page-'));
    await mkdir(path.join(page, 'js'));
    await writeFile(path.join(page, 'index.html'), '<!doctype html><title>page</title>');
    await writeFile(path.join(page, 'js/main.js'), '// ' + 'x'.repeat(300_000));
    await writeFile(path.join(page, '.secret.txt'), 'secret');
    await symlink('/etc/passwd', path.join(page, 'passwd.txt'));
    world = await startWorld({ static: page });
});

after(async () => {
    await world?.close();
    await rm(page, { recursive: true, force: true });
});

class Browser extends SocketBrowser {
    constructor(url = world.wsUrl, options = {}) {
        super(url, { origin: world.url, ...options });
    }
}

async function login(username, more) {
    const browser = new Browser();
    browser.welcome = await browser.login(username, more);
    return browser;
}

// The answer to bytes sent as they are, until the connection ends or `until` is in it.
function raw(bytes, { until, end = false, port = world.ports.adapter } = {}) {
    const answer = new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1');
        let text = '';
        socket.on('data', (data) => {
            text += data.toString('latin1');
            if (until && text.includes(until)) socket.destroy();
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
        socket.write(bytes);
        if (end) socket.end();
    });
    return within(answer, `answer to ${JSON.stringify(String(bytes).slice(0, 60))}`);
}

const host = () => `127.0.0.1:${world.ports.adapter}`;
const request = (method, target, headers = '') =>
    `${method} ${target} HTTP/1.1\r\nHost: ${host()}\r\n${headers}Connection: close\r\n\r\n`;
const status = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

// What the adapter has in memory.
async function kilobytes() {
    const text = await readFile(`/proc/${world.programs.adapter.pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(text)[1]);
}

async function assertServing() {
    const answer = await within(fetch(world.url + '/health'), 'health', 5000);
    assert.deepEqual(await answer.json(), { status: 'ok' });
}

describe('chat', () => {
    test('both ways, with receipts, metadata and original fields', async () => {
        const bob = await world.json('bob');
        const alice = await login('alice', { got: true });
        assert.deepEqual([...alice.welcome.online_users].sort(), ['alice', 'bob']);
        assert.equal(alice.welcome.max_message_bytes, 16384);

        alice.send({ type: 'chat', recipient: 'bob', message: 'grüße 😀\n"<b>"', id: 'a1', metadata: { mood: ['ok'] } });
        const came = await bob.receive('grüße 😀\n"<b>"');
        assert.equal(came.sender, 'alice');
        assert.deepEqual(came.metadata, { mood: ['ok'] });
        for (const status of ['stored', 'delivered'])
            await alice.take((frame) => frame.type === 'receipt' && frame.id === 'a1' && frame.status === status, status);
        alice.send({ type: 'chat', recipient: 'bob', message: 'no id' });
        await bob.receive('no id');

        const id = await bob.message('alice', 'hello', { metadata: { a: 1 } });
        const chat = await alice.type('chat');
        assert.deepEqual(
            { sender: chat.sender, message: chat.message, id: chat.id, metadata: chat.metadata, kind: chat.message_type },
            { sender: 'bob', message: 'hello', id, metadata: { a: 1 }, kind: 'chat' });
        assert.match(chat.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
        alice.send({ type: 'got', sender: 'bob', id });
        await bob.take((frame) => frame.type === 'receipt' && frame.id === id && frame.status === 'delivered', 'delivered');

        for (const type of ['notification', 'subscription']) {
            bob.send({ type, id: type, destination: 'alice', message: `a ${type}`, metadata: { value: 21.5 } });
            const came = await alice.type('notification');
            assert.equal(came.message_type, type);
            assert.deepEqual(came.metadata, { value: 21.5 });
            alice.send({ type: 'got', sender: 'bob', id: type });
        }
        bob.send({ type: 'partial', destination: 'alice', id: 'p1', text: 'so far' });
        const partial = await alice.type('partial');
        assert.deepEqual(partial, { type: 'partial', sender: 'bob', id: 'p1', message: 'so far' });
        bob.close();
        assert.equal((await alice.type('user_left')).username, 'bob');
        await alice.leave();
    });

    test('presence and commands', async () => {
        const alice = await login('alice');
        const carol = await login('carol');
        const joined = await alice.type('user_joined');
        assert.equal(joined.username, 'carol');
        assert.deepEqual([...joined.online_users].sort(), ['alice', 'carol']);
        alice.send({ type: 'command', command: 'users' });
        const users = await alice.take((frame) => frame.command === 'users', 'users');
        assert.equal(users.type, 'system');
        assert.deepEqual([...users.users].sort(), ['alice', 'carol']);
        alice.send({ type: 'command', command: 'check' });
        const check = await alice.take((frame) => frame.command === 'check', 'check');
        assert.equal(check.stored, 0);
        assert.equal(check.message, 'No stored messages.');
        await carol.leave();
        const left = await alice.type('user_left');
        assert.equal(left.username, 'carol');
        assert.deepEqual(left.online_users, ['alice']);
        await alice.leave();
    });

    test('what nobody acknowledged comes again; what was acknowledged does not', async () => {
        const bob = await world.json('bob');
        const id = await bob.message('dora', 'while you were away');
        for (let i = 0; i < 2; i++) {
            const dora = await login('dora', { got: true });
            const stored = await dora.type('stored');
            assert.deepEqual([stored.message, stored.id, stored.message_type], ['while you were away', id, 'chat']);
            if (i === 1) dora.send({ type: 'got', sender: 'bob', id });
            await dora.ping();
            await dora.leave();
        }
        await bob.take((frame) => frame.type === 'receipt' && frame.id === id && frame.status === 'delivered', 'delivered');
        const dora = await login('dora', { got: true });
        dora.send({ type: 'command', command: 'check' });
        assert.equal((await dora.take((frame) => frame.command === 'check', 'check')).stored, 0);
        assert.equal(dora.frames.filter((frame) => frame.type === 'stored').length, 0);
        await dora.leave();
        bob.close();
    });

    test('for a browser that knows no got, the adapter says it', async () => {
        const bob = await world.json('bob');
        const waiting = await bob.message('erin', 'waiting');
        const erin = await login('erin');
        assert.equal((await erin.type('stored')).message, 'waiting');
        const live = await bob.message('erin', 'live');
        assert.equal((await erin.type('chat')).message, 'live');
        for (const id of [waiting, live])
            await bob.take((frame) => frame.id === id && frame.status === 'delivered', `delivered ${id}`);
        await erin.leave();
        const again = await login('erin');
        again.send({ type: 'command', command: 'check' });
        assert.equal((await again.take((frame) => frame.command === 'check', 'check')).stored, 0);
        await again.leave();
        bob.close();
    });

    test('a flood of acknowledgements costs only whoever sends it', async () => {
        const flooder = await login('flooder', { got: true });
        const bob = await login('bystander', { got: true });
        const before = await kilobytes();
        for (let i = 0; i < 200_000; i++) flooder.send({ type: 'got', sender: 'b'.repeat(120), id: `${i}`.padStart(64, '0') });
        for (let i = 0; i < 20; i++) {
            await bob.ping();
            await setTimeout(50);
        }
        // Of 50 MB. A sanitizer keeps what was freed for a while.
        if (!/asan/.test(binFolder)) assert.ok((await kilobytes()) - before < 24 * 1024, 'memory');
        flooder.socket.terminate();
        await bob.leave();
    });

    test('a server that stands still costs little memory, and nothing is lost', async () => {
        const browsers = [];
        for (let i = 0; i < 8; i++) browsers.push(await login(`sender-${i}`, { got: true }));
        const before = await kilobytes();
        world.programs.server.process.kill('SIGSTOP');
        const text = 'x'.repeat(16_000);
        const count = 500; // 64 MB
        for (const [at, browser] of browsers.entries())
            for (let i = 0; i < count; i++) browser.send({ type: 'chat', recipient: `sink-${at}`, message: text, id: `m${i}` });
        const waiting = () => browsers.reduce((sum, browser) => sum + browser.socket.bufferedAmount, 0);
        let last = -1;
        await waitUntil(async () => {
            if (waiting() === last) return true;
            last = waiting();
            await setTimeout(300);
            return false;
        }, 'nobody takes any more');
        if (!/asan/.test(binFolder)) assert.ok((await kilobytes()) - before < 32 * 1024, 'memory');
        assert.ok(last > 0, 'the rest waits where it came from');
        await assertServing();
        world.programs.server.process.kill('SIGCONT');
        for (const browser of browsers) {
            await browser.take((frame) => frame.id === `m${count - 1}` && frame.status === 'stored', 'the last receipt');
            await browser.leave();
        }
    });

    test('a burst beyond the rate limit arrives whole and in order', async () => {
        const bob = await world.json('bob');
        const alice = await login('alice', { got: true });
        const count = 1500;
        for (let i = 0; i < count; i++) alice.send({ type: 'chat', recipient: 'bob', message: `n${i}`, id: `burst-${i}` });
        const seen = [];
        await waitUntil(() => {
            for (const frame of bob.frames.splice(0))
                if (frame.type === 'chat') {
                    seen.push(frame.message);
                    bob.send({ type: 'got', sender: 'alice', id: frame.id });
                }
            return seen.length >= count;
        }, 'all of the burst');
        assert.deepEqual(seen, Array.from({ length: count }, (_, i) => `n${i}`));
        await alice.take((frame) => frame.type === 'receipt' && frame.id === `burst-${count - 1}`, 'last receipt');
        assert.equal(alice.frames.filter((frame) => frame.status === 'rejected').length, 0);
        await alice.leave();
        bob.close();
    });
});

describe('errors', () => {
    test('before login, at login, after login', async () => {
        const browser = new Browser();
        await browser.opened;
        browser.send({ type: 'chat', recipient: 'bob', message: 'x' });
        assert.equal((await browser.type('error')).code, 'not_logged_in');
        browser.send('rubbish');
        assert.equal((await browser.type('error')).code, 'invalid_json');
        browser.send({ type: 'login' });
        assert.equal((await browser.type('error')).code, 'invalid_frame');
        await browser.login('fred');
        browser.send({ type: 'login', username: 'fred2' });
        assert.equal((await browser.type('error')).code, 'already_logged_in');
        browser.send({ type: 'command', command: 'shutdown' });
        assert.equal((await browser.type('error')).code, 'unknown_command');
        browser.send({ type: 'chat', recipient: 'bob', message: 'x'.repeat(16385), id: 'long' });
        const receipt = await browser.type('receipt');
        assert.deepEqual([receipt.id, receipt.status, receipt.code], ['long', 'rejected', 'too_long']);
        browser.send({ type: 'chat', recipient: 'b b', message: 'x' });
        assert.equal((await browser.type('error')).code, 'username_invalid');
        await browser.ping();

        const second = new Browser();
        await second.opened;
        second.send({ type: 'login', username: 'FRED' });
        assert.equal((await second.type('error')).code, 'username_taken');
        assert.equal(await within(second.closed, 'close'), 1008);
        const third = new Browser();
        await third.opened;
        third.send({ type: 'login', username: 'a b' });
        assert.equal((await third.type('error')).code, 'username_invalid');
        assert.equal(await within(third.closed, 'close'), 1008);
        await browser.leave();
    });

    test('a server that is not on the list is refused and never asked', async () => {
        const asked = [];
        const trap = net.createServer((socket) => {
            asked.push(socket.remotePort);
            socket.destroy();
        });
        await new Promise((resolve) => trap.listen(0, '::', resolve));
        const port = trap.address().port;
        const shapes = [
            // Other spellings of this machine…
            ...['127.0.0.1', 'localhost', '127.1', '127.0.1', '0', '0.0.0.0', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1',
                '017700000001', '127.000.000.001', '127.0.0.2', '127.255.255.254', '::', '::1', '[::1]', '0:0:0:0:0:0:0:1',
                '::ffff:127.0.0.1', '[::ffff:7f00:1]', '::127.0.0.1', '64:ff9b::7f00:1', 'fe80::1%lo', 'localhost.', 'LOCALHOST',
                'ip6-localhost', 'localhost.localdomain', '127.0.0.1.', '127。0。0。1', '１２７.0.0.1', ' 127.0.0.1', '127.0.0.1 ',
                '127.0.0.1\u0009', '127.0.0.1\n', `127.0.0.1:${port}`, `http://127.0.0.1:${port}/`, 'user@127.0.0.1',
                '127.0.0.1#', '127.0.0.1,127.0.0.1', os.hostname()].map((server_host) => ({ server_host, server_port: port })),
            // …of the server's own port, and of what is found inside of data centres.
            ...['127.1', '::1', 'localhost.', '0x7f000001', '0'].map((server_host) => ({ server_host, server_port: world.ports.server })),
            ...['169.254.169.254', '2852039166', '0xA9FEA9FE', '::ffff:169.254.169.254', 'fd00:ec2::254', 'metadata.google.internal'].map(
                (server_host) => ({ server_host, server_port: 80 })),
            { server_host: '127.0.0.1', server_port: world.ports.api },
            { server_host: '127.0.0.1', server_port: world.ports.adapter },
            { server_port: port },
            { server_port: String(port) },
            { server_port: world.ports.api },
            { server_host: 'localhost', server_port: world.ports.server },
            { server_host: '127.0.0.1', server_port: -world.ports.server },
            { server_host: '127.0.0.1', server_port: world.ports.server + 0.5 },
            { server_host: '127.0.0.1', server_port: world.ports.server + 65536 },
            { server_host: ['127.0.0.1'] },
            { server_host: 7 },
        ];
        const browser = new Browser();
        await browser.opened;
        const answers = new Set();
        for (const shape of shapes) {
            browser.send({ type: 'login', username: 'gina', ...shape });
            answers.add(JSON.stringify(await browser.type('error')));
        }
        assert.ok(shapes.length >= 40);
        assert.equal(answers.size, 1, [...answers].join('\n'));
        assert.equal(JSON.parse([...answers][0]).code, 'server_not_allowed');
        browser.send(`{"type":"login","username":"gina","server_host":"127.0.0.1\\u0000.example.org"}`);
        assert.equal((await browser.type('error')).code, 'invalid_json');
        assert.deepEqual(asked, []);
        await browser.login('gina', { server_host: '127.0.0.1', server_port: String(world.ports.server) });
        await browser.leave();
        trap.close();
    });

    test('when the server goes away the browser is told, and can come back', async () => {
        const alice = await login('alice');
        await world.kill('server');
        assert.equal((await alice.type('error')).code, 'closed');
        assert.equal(await within(alice.closed, 'close'), 1013);
        const early = new Browser();
        await early.opened;
        early.send({ type: 'login', username: 'alice' });
        assert.equal((await early.type('error')).code, 'connect_failed');
        assert.equal(await within(early.closed, 'close'), 1008);
        await world.start('server');
        const again = await login('alice');
        await again.ping();
        await again.leave();
    });
});

describe('who may come in', () => {
    const upgrade = (headers) => new Browser(world.wsUrl, headers);

    test('Origin', async () => {
        const refused = [
            'http://evil.example', `https://${host()}`, `ws://${host()}`, `http://localhost:${world.ports.adapter}`, 'null',
            'http://127.0.0.1', `http://127.0.0.1:${world.ports.server}`, `http://[::1]:${world.ports.adapter}`, `${world.url}0`,
            `${world.url}.evil.example`, `${world.url}@evil.example`, `http://evil.example/${world.url}`, `${world.url}/`,
            `http://127.0.0.1.:${world.ports.adapter}`, 'file://', 'chrome-extension://abcdefgh', `${world.url}, http://evil.example`,
            `http://evil.example ${world.url}`, 'x'.repeat(3000),
        ];
        for (const origin of refused) {
            const browser = upgrade({ origin });
            await assert.rejects(within(browser.opened, origin), /403/, origin);
        }
        const twice = await raw(
            `GET /ws HTTP/1.1\r\nHost: ${host()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
                `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: ${world.url}\r\nOrigin: http://evil.example\r\n\r\n`);
        assert.equal(status(twice), 403);
        const none = upgrade({ origin: undefined }); // no browser, as the original's test client
        await within(none.opened, 'open without origin');
        await none.leave();
        const named = new Browser(`ws://localhost:${world.ports.adapter}/ws`, { origin: `http://localhost:${world.ports.adapter}` });
        await within(named.opened, 'open by name');
        await named.leave();
    });

    test('Host', async () => {
        for (const name of ['evil.example', `evil.example:${world.ports.adapter}`, '127.0.0.1', `localhost.:${world.ports.adapter}`]) {
            assert.equal(status(await raw(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`)), 421, name);
            const browser = upgrade({ origin: `http://${name}`, headers: { Host: name } });
            await assert.rejects(within(browser.opened, name), /421/, name);
        }
        assert.equal(status(await raw('GET / HTTP/1.1\r\n\r\n')), 400);
        assert.equal(status(await raw('GET / HTTP/1.0\r\n\r\n')), 400);
        await assertServing();
    });

    test('only /ws, only websocket, only GET', async () => {
        const other = new Browser(`ws://${host()}/chat`);
        await assert.rejects(within(other.opened, 'open'), /404/);
        const websocket = 'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
        const start = (method) => `${method} /ws HTTP/1.1\r\nHost: ${host()}\r\n`;
        assert.equal(status(await raw(`${start('GET')}${websocket}Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n`)), 400);
        assert.equal(status(await raw(`${start('POST')}${websocket}Upgrade: websocket\r\nContent-Length: 0\r\n\r\n`)), 405);
        assert.equal(status(await raw(`${start('HEAD')}${websocket}Upgrade: websocket\r\n\r\n`)), 400);
        assert.equal(status(await raw(request('GET', '/ws'))), 426);
        const http2 = await raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
        assert.ok(http2 === '' || /^HTTP\/1\.\d 4/.test(http2), http2);
        await assertServing();
    });

    test('a program that is open to the network needs to know its origins', async () => {
        for (const [args, says] of [
            [['--host', '0.0.0.0'], 'P2P_WEB_ORIGINS'],
            [['--origins', 'chat.example.org'], 'P2P_WEB_ORIGINS'],
            [['--servers', 'localhost'], 'P2P_WEB_SERVERS'],
        ]) {
            const program = new Program('p2p-ws-adapter', ['--port', '0', ...args], world.folder);
            assert.equal(await program.exit(), 2);
            assert.ok(program.stderr.includes(says), program.describe());
        }
        const open = world.run('p2p-ws-adapter', ['--host', '0.0.0.0', '--port', '0', '--server-port', world.ports.server],
            { P2P_WEB_ORIGINS: 'https://chat.example.org' });
        await open.ready();
        const send = (name) => raw(`GET /health HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`, { port: open.port });
        assert.equal(status(await send('chat.example.org')), 200);
        assert.equal(status(await send('other.example.org')), 421);
        const browser = new Browser(`ws://127.0.0.1:${open.port}/ws`, { origin: 'https://chat.example.org' });
        await within(browser.opened, 'open from a listed origin');
        await open.stop();
        assert.equal(await within(browser.closed, 'close'), 1001);
        const taken = new Program('p2p-ws-adapter', ['--port', world.ports.adapter], world.folder);
        assert.equal(await taken.exit(), 1);
        assert.match(taken.stderr, /listen_failed/);
    });
});

describe('WebSocket messages', () => {
    test('of any size up to 64 KiB, in fragments, through small reads', async () => {
        const bob = await world.json('bob');
        const alice = await login('alice', { got: true });
        // Spaces around it make it as long as is allowed.
        alice.send(JSON.stringify({ type: 'chat', recipient: 'bob', message: 'padded' }).padEnd(65536));
        await bob.receive('padded');
        const text = Buffer.from(JSON.stringify({ type: 'chat', recipient: 'bob', message: 'in pieces: äöü' }));
        for (let i = 0; i < text.length; i++)
            alice.socket.send(text.subarray(i, i + 1), { binary: false, fin: i === text.length - 1 });
        await bob.receive('in pieces: äöü');
        const big = 'ü'.repeat(8192);
        alice.send({ type: 'chat', recipient: 'bob', message: big });
        await bob.receive(big);
        await alice.leave();
        bob.close();
    });

    test('of 60,000 bytes, where the server takes such', async () => {
        const large = await startWorld({ static: page, environment: { P2P_MAX_MESSAGE_BYTES: '60000' } });
        const alice = new Browser(large.wsUrl, { origin: large.url });
        const bob = new Browser(large.wsUrl, { origin: large.url });
        assert.equal((await alice.login('alice', { got: true })).max_message_bytes, 60000);
        await bob.login('bob', { got: true });
        const text = 'ß"\\\n'.repeat(12000); // escaped it is larger than a frame from a browser may be
        const message = 'ä'.repeat(30000);
        alice.send({ type: 'chat', recipient: 'bob', message, id: 'large' });
        assert.equal((await bob.type('chat')).message, message);
        const cara = await large.json('cara');
        await cara.message('bob', text);
        assert.equal((await bob.type('chat')).message, text);
        alice.send({ type: 'chat', recipient: 'bob', message: 'x'.repeat(60001), id: 'larger' });
        await alice.take((frame) => frame.id === 'larger' && frame.code === 'too_long', 'refusal');
        await alice.leave();
        await bob.leave();
        await large.close();
    });

    test('that break the rules end the connection with the code that says why', async () => {
        const other = await login('other'); // is not disturbed
        const cases = [
            ['too large', 1009, (socket) => socket.send(' '.repeat(65537))],
            ['far too large', 1009, (socket) => socket.send(' '.repeat(4 * 1024 * 1024))],
            ['too large in pieces', 1009, (socket) => {
                for (let i = 0; i < 70; i++) socket.send(' '.repeat(1000), { fin: i === 69 });
            }],
            ['one byte too many', 1009, (socket) => socket.send(JSON.stringify({ type: 'command', command: 'ping' }).padEnd(65537))],
            ['binary', 1003, (socket) => socket.send(Buffer.from('{}'), { binary: true })],
            ['no UTF-8', 1007, (socket) => socket.send(Buffer.from('{"type":"\xff"}', 'latin1'), { binary: false })],
            ['surrogate', 1007, (socket) => socket.send(Buffer.from('"\xed\xa0\x80"', 'latin1'), { binary: false })],
        ];
        for (const [name, code, act] of cases) {
            const browser = await login(`breaker`);
            act(browser.socket);
            assert.equal(await within(browser.closed, name), code, name);
            await other.ping();
        }
        assert.equal(other.frames.filter((frame) => !/^user_/.test(frame.type)).length, 0);
        await other.leave();
        const deep = new Browser();
        await deep.opened;
        for (const text of ['', '[]', 'null', '['.repeat(60000), '{"type":'.repeat(8000), '{"type":"login","type":"login"}', '\ufeff{}']) {
            deep.send(text);
            assert.match((await deep.type('error')).code, /^invalid_(json|frame)$/, text.slice(0, 40));
        }
        await deep.login('henry');
        await deep.ping();
        await deep.leave();
    });

    test('pings are answered, and who comes back at once finds the own name free', async () => {
        const alice = await login('alice');
        const pong = new Promise((resolve) => alice.socket.once('pong', (data) => resolve(String(data))));
        alice.socket.ping('hello');
        assert.equal(await within(pong, 'pong'), 'hello');
        for (let i = 0; i < 5; i++) {
            const before = i === 0 ? alice : await login('alice');
            if (i % 2 === 0) before.socket.terminate();
            await before.leave();
        }
    });

    test('a browser that does not read holds nobody up, and loses nothing', async () => {
        const bob = await world.json('bob');
        const slow = await login('slow', { got: true });
        slow.socket.pause();
        const text = 'x'.repeat(16000);
        const count = 700; // 11 MB: more than all buffers of both programs and of the kernel
        let sent = 0;
        for (; sent < count; sent++) bob.send({ type: 'chat', destination: 'slow', id: `slow-${sent}`, message: text });
        const stored = new Set();
        await waitUntil(() => {
            for (const frame of bob.frames.splice(0))
                if (frame.type === 'receipt' && frame.status === 'stored') stored.add(frame.id);
            return stored.size === count;
        }, 'all stored');
        const other = await login('other'); // nobody else is held up
        await other.ping();
        await other.leave();
        slow.socket.terminate();
        const again = await login('slow', { got: true });
        const seen = [];
        await waitUntil(() => {
            for (const frame of again.frames.splice(0))
                if (frame.type === 'stored' || frame.type === 'chat') {
                    seen.push(frame.id);
                    again.send({ type: 'got', sender: 'bob', id: frame.id });
                }
            return seen.length >= count;
        }, 'all of them');
        assert.deepEqual(seen, Array.from({ length: count }, (_, i) => `slow-${i}`));
        await again.ping();
        await again.leave();
        bob.close();
    });
});

describe('the page', () => {
    test('files, types and headers', async () => {
        const index = await fetch(world.url + '/');
        assert.equal(index.status, 200);
        assert.equal(index.headers.get('content-type'), 'text/html; charset=utf-8');
        assert.equal(await index.text(), '<!doctype html><title>page</title>');
        const script = await fetch(world.url + '/js/main.js?v=1');
        assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
        assert.equal((await script.text()).length, 300_003);
        const chart = await fetch(world.url + '/vendor/chart.min.js');
        assert.equal(chart.status, 200);
        assert.ok((await chart.text()).length > 100_000);
        const missing = await fetch(world.url + '/none.html');
        assert.equal(missing.status, 404);
        for (const answer of [index, script, chart, missing]) {
            const csp = answer.headers.get('content-security-policy');
            assert.match(csp, /default-src 'self'/);
            assert.match(csp, /frame-ancestors 'none'/);
            assert.doesNotMatch(csp, /unsafe/);
            assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
            assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
        }
    });

    test('validation and HEAD', async () => {
        const first = await fetch(world.url + '/js/main.js');
        await first.text();
        assert.equal(first.headers.get('cache-control'), 'no-cache');
        for (const headers of [
            { 'If-None-Match': first.headers.get('etag') },
            { 'If-Modified-Since': first.headers.get('last-modified') },
        ]) {
            const again = await fetch(world.url + '/js/main.js', { headers, cache: 'no-store' });
            assert.equal(again.status, 304, JSON.stringify(headers));
            assert.equal(again.headers.get('etag'), first.headers.get('etag'));
            assert.equal(await again.text(), '');
        }
        const changed = await fetch(world.url + '/js/main.js', { headers: { 'If-None-Match': '"other"' } });
        assert.equal(changed.status, 200);
        await changed.text();
        const head = await raw(request('HEAD', '/js/main.js'));
        assert.equal(status(head), 200);
        assert.match(head, /Content-Length: 300003\r\n/);
        assert.ok(head.endsWith('\r\n\r\n'));
    });

    test('nothing but the page', async () => {
        for (const target of ['/.secret.txt', '/passwd.txt', '/../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/js/', '/js',
            '/vendor/../index.html%00.js', '//etc/passwd', '/js/..%2f..%2f..%2fetc/passwd', '/%00', '/' + 'a'.repeat(3000) + '.js']) {
            const answer = await raw(request('GET', target));
            assert.doesNotMatch(answer, /root:|secret/, target);
            // A path that goes up may also end where it began.
            assert.ok([404, 400, 403].includes(status(answer)) || answer === '' || answer.includes('<title>page'), `${target}: ${answer.slice(0, 80)}`);
        }
        for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
            const answer = await raw(request(method, '/', 'Content-Length: 0\r\n'));
            assert.equal(status(answer), 405, method);
            assert.match(answer, /Allow: GET, HEAD/, method);
        }
        assert.equal(status(await raw(request('GET', '/', 'Content-Length: 5\r\n') + 'hello')), 413);
        await assertServing();
    });
});

describe('attacks', () => {
    test('pipelined requests with bodies', async () => {
        const post = (extra) => `POST / HTTP/1.1\r\nHost: ${host()}\r\n${extra}\r\n\r\n`;
        const chunked = post('Transfer-Encoding: chunked') + '5\r\nhello\r\n0\r\n\r\n';
        for (const bytes of [
            (post('Content-Length: 5') + 'hello').repeat(3),
            (post('Content-Length: 0') + request('GET', '/')).repeat(3),
            chunked.repeat(3),
            (request('GET', '/', 'Content-Length: 5\r\n') + 'hello').repeat(3),
            request('GET', '/', 'Transfer-Encoding: chunked\r\n') + '5\r\nhello\r\n0\r\n\r\n',
            post('Content-Length: 100000') + 'x'.repeat(50_000),
            post('Content-Length: -1'),
            post('Content-Length: 99999999999999999999'),
        ]) {
            await raw(bytes, { end: true });
            await assertServing();
        }
        // The same piece by piece, on connections that stay open.
        const sockets = [];
        for (let i = 0; i < 20; i++) {
            const socket = net.connect(world.ports.adapter, '127.0.0.1');
            socket.on('error', () => {});
            sockets.push(socket);
            for (const piece of (post('Content-Length: 5') + 'hello').repeat(3).match(/.{1,40}/gs)) socket.write(piece);
        }
        await assertServing();
        for (const socket of sockets) socket.destroy();
        // Requests without bodies may follow one another.
        const many = `GET /health HTTP/1.1\r\nHost: ${host()}\r\n\r\n`.repeat(20) + request('GET', '/health');
        const answers = await raw(many);
        assert.equal(answers.split('{"status":"ok"}').length - 1, 21);
    });

    test('rubbish', async () => {
        for (const bytes of [
            '\r\n\r\n', '\0'.repeat(10000), 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'BREW / HTTP/1.1\r\n\r\n', 'CONNECT x:1 HTTP/1.1\r\n\r\n',
            '{"type":"login","username":"x"}\n', `GET / HTTP/1.1\r\nHost: ${host()}\r\n${'X: y\r\n'.repeat(5000)}\r\n`,
            `GET / HTTP/1.1\r\nHost: ${host()}\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`, `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
            `GET ${world.url}/ HTTP/1.1\r\nHost: ${host()}\r\n\r\n`, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
            `GET /ws HTTP/1.1\r\nHost: ${host()}\r\nUpgrade: websocket\r\n\r\n`,
            `GET /ws HTTP/1.1\r\nHost: ${host()}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
        ]) {
            await raw(Buffer.from(bytes, 'latin1'), { end: true });
            await assertServing();
        }
    });

    test('more connections, one after the other, than there may be at once', async () => {
        const kinds = [
            `GET /health HTTP/1.1\r\nHost: ${host()}\r\n\r\n`, // left by us, while it is kept alive
            'POST / HTTP/1.1\r\n\r\n',
            'GET / HTTP/1.1\r\nHost:',
            `GET /ws HTTP/1.1\r\nHost: ${host()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
                'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
            '',
        ];
        const visit = (kind) =>
            new Promise((resolve) => {
                const socket = net.connect(world.ports.adapter, '127.0.0.1');
                socket.on('error', () => {});
                socket.on('data', () => socket.destroy());
                socket.on('close', resolve);
                if (/HTTP.*\n\r\n$/s.test(kind)) socket.write(kind);
                else socket.end(kind);
            });
        for (let i = 0; i < 90; i++)
            await within(Promise.all(Array.from({ length: 50 }, (_, at) => visit(kinds[at % kinds.length]))), 'visits');
        await assertServing();
    });
});
