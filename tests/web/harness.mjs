// The programs that a test of the web side needs, started for real: the message API, the chat server and the
// adapter, on free ports, in a folder of their own. Nothing is left running: every program dies with this process.
//
//   const world = await startWorld();              // { static: folder, arguments: [...], environment: {...} }
//   world.url                                      // http://127.0.0.1:PORT
//   const bob = await world.json('bob');           // a JSON session straight to the server
//   await world.stop('server'); await world.start('server');
//   await world.close();                           // throws if a program crashed or a sanitizer spoke

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const binFolder = path.resolve(process.env.P2P_BIN_DIR ?? path.join(root, 'build/bin'));
export const DEADLINE = 30_000; // milliseconds for anything that should happen soon: machines are slow and busy
const STOP_DEADLINE = 15_000; // SIGTERM to exit; the design says 5 s, sanitizers on a busy machine need more
const SANITIZER_REPORT = /(Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:/;

// Rejects when the promise isn't settled in time.
export function within(promise, what, milliseconds = DEADLINE) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms: ${what}`)), milliseconds);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Calls check() until it gives something true, and gives that.
export async function waitUntil(check, what, milliseconds = DEADLINE) {
    const end = Date.now() + milliseconds;
    for (;;) {
        const result = await check();
        if (result) return result;
        if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

// A port that stays ours over restarts: below the range from which the kernel takes ports by itself.
const taken = new Set();
export async function reservePort() {
    for (;;) {
        const port = 10240 + Math.floor(Math.random() * 20000);
        if (taken.has(port)) continue;
        taken.add(port);
        const free = await new Promise((resolve) => {
            const probe = net.createServer();
            probe.once('error', () => resolve(false));
            probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
        });
        if (free) return port;
    }
}

// Nothing of the developer's own settings reaches a program under test.
function cleanEnvironment(extra) {
    const environment = { LANG: 'C.UTF-8', NO_PROXY: '127.0.0.1,localhost', UBSAN_OPTIONS: 'print_stacktrace=1' };
    for (const name of ['PATH', 'HOME', 'TMPDIR', 'ASAN_OPTIONS', 'ASAN_SYMBOLIZER_PATH'])
        if (process.env[name]) environment[name] = process.env[name];
    return { ...environment, ...extra };
}

export class Program {
    // Starts it; `ready()` waits until it can serve. cwd is a folder of the test's own.
    constructor(name, args, cwd, environment = {}) {
        this.name = name;
        this.stdout = '';
        this.stderr = '';
        this.fields = {}; // of the ready line
        this.code = undefined; // exit status or signal, once it has ended
        this.endExpected = false;
        // Who dies before the kernel knows of the wish is not noticed by it: that is what the shell looks for.
        const guard = ['sh', '-c', `[ $PPID = ${process.pid} ] && exec "$@"`, 'sh'];
        const argv = [...guard, path.join(binFolder, name), ...args.map(String)];
        this.process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
            cwd,
            env: cleanEnvironment(environment),
            stdio: ['ignore', 'pipe', 'pipe'],
        });
        this.process.stdout.on('data', (data) => (this.stdout += data));
        this.process.stderr.on('data', (data) => (this.stderr += data));
        this.ended = new Promise((resolve) => {
            this.process.once('close', (code, signal) => resolve((this.code = signal ?? code)));
            this.process.once('error', (error) => resolve((this.code = error.message)));
        });
    }

    describe() {
        return `${this.name} (exit ${this.code})\n--- stdout\n${this.stdout.slice(-4000)}\n--- stderr\n${this.stderr.slice(-8000)}`;
    }

    async ready() {
        const line = await waitUntil(() => {
            const found = /^ready( .*)?\n/m.exec(this.stdout);
            if (!found && this.code !== undefined) throw new Error(`ended before it was ready: ${this.describe()}`);
            return found;
        }, `${this.name} is ready`);
        for (const part of (line[1] ?? '').trim().split(' ')) {
            const at = part.indexOf('=');
            if (at > 0) this.fields[part.slice(0, at)] = part.slice(at + 1);
        }
        return this;
    }

    // setpriv becomes the program, so this is its own.
    get pid() {
        return this.process.pid;
    }

    get port() {
        return Number(this.fields.port);
    }

    // Waits until it ends by itself; gives its exit status.
    exit(milliseconds = DEADLINE) {
        this.endExpected = true;
        return within(this.ended, `the end of ${this.name}`, milliseconds);
    }

    // SIGTERM; the exit status must be 0.
    async stop() {
        this.endExpected = true;
        this.process.kill('SIGTERM');
        const code = await within(this.ended, `the end of ${this.name}`, STOP_DEADLINE);
        if (code !== 0) throw new Error(`did not end well: ${this.describe()}`);
    }

    async kill() {
        this.endExpected = true;
        this.process.kill('SIGKILL');
        await this.ended;
    }

    // The end of the test: what was wrong with it, or null.
    async finish() {
        let problem = null;
        if (this.code !== undefined && !this.endExpected) problem = `ended unexpectedly: ${this.describe()}`;
        else if (this.code === undefined) await this.stop().catch((error) => (problem = String(error)));
        await this.kill();
        if (SANITIZER_REPORT.test(this.stderr)) problem = `sanitizer report: ${this.describe()}`;
        return problem;
    }
}

// A JSON session straight to the server: the other people in a test.
export class JsonClient {
    constructor(port) {
        this.frames = []; // everything that came and was not yet taken
        this.closed = false;
        this.input = '';
        this.socket = net.connect(port, '127.0.0.1');
        this.socket.on('data', (data) => this.read(data.toString()));
        this.socket.on('error', () => {});
        this.socket.on('close', () => (this.closed = true));
    }

    read(text) {
        this.input += text;
        const lines = this.input.split('\n');
        this.input = lines.pop();
        // The prompt for people stands in front of the first line.
        for (const line of lines) this.frames.push(JSON.parse(line.slice(line.indexOf('{'))));
    }

    send(frame) {
        this.socket.write(JSON.stringify(frame) + '\n');
    }

    // False when the server says no; why is in `refusal`.
    async login(username, token) {
        this.send({ type: 'login', username, token });
        const answer = await this.take((frame) => /^(login_success|error)$/.test(frame.type), `login of ${username}`);
        if (answer.type === 'error') this.refusal = answer;
        return answer.type === 'login_success';
    }

    // Takes the first frame that fits; others stay.
    async take(fits, what) {
        return waitUntil(() => {
            const at = this.frames.findIndex(fits);
            return at >= 0 ? this.frames.splice(at, 1)[0] : null;
        }, what);
    }

    // A message to `destination`; waits until the server has it on disk. Gives its id.
    async message(destination, text, more = {}) {
        const id = more.id ?? `m${Math.random().toString(36).slice(2)}`;
        this.send({ type: 'chat', id, destination, message: text, ...more });
        const receipt = await this.take((frame) => frame.type === 'receipt' && frame.id === id, `receipt of ${id}`);
        if (receipt.status === 'rejected') throw new Error(JSON.stringify(receipt));
        return id;
    }

    // The next message of that text, acknowledged.
    async receive(text) {
        const frame = await this.take((one) => one.message === text && one.sender, `message ${text}`);
        this.send({ type: 'got', sender: frame.sender, id: frame.id });
        return frame;
    }

    close() {
        this.socket.destroy();
    }
}

class World {
    constructor(folder, options) {
        this.folder = folder;
        this.options = options;
        this.programs = {}; // name -> Program that runs
        this.all = [];
        this.clients = [];
    }

    get url() {
        return `http://127.0.0.1:${this.ports.adapter}`;
    }

    get wsUrl() {
        return `ws://127.0.0.1:${this.ports.adapter}/ws`;
    }

    // name: api, server or adapter, each on the port that it had before.
    async start(name) {
        const { ports, options } = this;
        const calls = {
            api: ['p2p-message-api', ['--port', ports.api, '--database', path.join(this.folder, 'data/messages.db')]],
            server: ['p2p-server', ['--port', ports.server, '--api-base', `http://127.0.0.1:${ports.api}`]],
            adapter: [
                'p2p-ws-adapter',
                ['--port', ports.adapter, '--server-port', ports.server, '--static', options.static ?? path.join(root, 'static')],
            ],
        };
        const [program, args] = calls[name];
        const started = this.run(program, [...args, ...(options[`${name}Arguments`] ?? [])], options.environment);
        this.programs[name] = started;
        return started.ready();
    }

    // Any other program, e.g. p2p-thermometer.
    run(program, args, environment) {
        const started = new Program(program, args, this.folder, environment);
        this.all.push(started);
        return started;
    }

    stop(name) {
        return this.programs[name].stop();
    }

    kill(name) {
        return this.programs[name].kill();
    }

    // A session of somebody else. The server may still be busy noticing that the last one of that name has gone.
    async json(username, token) {
        return waitUntil(async () => {
            const client = new JsonClient(this.ports.server);
            this.clients.push(client);
            if (await client.login(username, token)) return client;
            client.close();
            if (client.refusal.code !== 'username_taken') throw new Error(JSON.stringify(client.refusal));
            return null;
        }, `login of ${username}`);
    }

    async close() {
        for (const client of this.clients) client.close();
        const problems = [];
        for (const program of this.all.reverse()) problems.push(await program.finish());
        await rm(this.folder, { recursive: true, force: true });
        const told = problems.filter(Boolean);
        if (told.length > 0) throw new Error(told.join('\n'));
    }
}

// The whole suite, started by its launcher on free ports. What is killed comes back by itself.
class Suite extends World {
    async start() {
        const args = ['--api-port', 0, '--server-port', 0, '--web-port', 0];
        const environment = { P2P_STATIC: path.join(root, 'static'), ...this.options.environment };
        this.launcher = await this.run('p2p-launcher', args, environment).ready();
        const { api_port, port, web_port } = this.launcher.fields;
        this.ports = { api: Number(api_port), server: Number(port), adapter: Number(web_port) };
    }

    async kill(name) {
        const log = await readFile(path.join(this.folder, 'logs/launcher.log'), 'utf8');
        const started = [...log.matchAll(/ started component="([^"]+)" pid=(\d+)/g)];
        const [, , pid] = started.findLast(([, component]) => component === name);
        process.kill(Number(pid), 'SIGKILL');
    }
}

// options: environment, of all programs.
export async function startSuite(options = {}) {
    const suite = new Suite(await mkdtemp(path.join(os.tmpdir(), 'p2p-suite-')), options);
    try {
        await suite.start();
    } catch (error) {
        await suite.close().catch(() => {});
        throw error;
    }
    return suite;
}

// options: static (folder of the page), apiArguments, serverArguments, adapterArguments, environment (of all).
export async function startWorld(options = {}) {
    const world = new World(await mkdtemp(path.join(os.tmpdir(), 'p2p-web-')), options);
    world.ports = { api: await reservePort(), server: await reservePort(), adapter: await reservePort() };
    try {
        for (const name of ['api', 'server', 'adapter']) await world.start(name);
    } catch (error) {
        await world.close().catch(() => {});
        throw error;
    }
    return world;
}
