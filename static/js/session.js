// The WebSocket to the adapter: logs in, stays logged in, and says so. Events:
//   state(name, detail)   connecting | online | waiting (detail.code says why) | offline
//   frame(frame)          every frame after login but answers to its own pings
//   refused(code, text)   a login that trying again won't mend
import { Emitter } from './emitter.js';

const firstDelay = 300;
const lastDelay = 10_000;
const loginTimeout = 15_000;
const pingEvery = 20_000;
const pingTimeout = 10_000;

// Said by the adapter before it closes, once it has lost the chat server: no news for the person, who sees the state.
const partings = new Set(['closed', 'timeout', 'connect_failed', 'io_error']);

// Reasons to ask the person rather than to try again.
const final = new Set([
    'username_invalid',
    'username_reserved',
    'server_not_allowed',
    'unauthorized',
    'invalid_frame',
]);

export class LoginError extends Error {
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}

export class Session extends Emitter {
    #url;
    #login = null;
    #socket = null;
    #loggedIn = false;
    #joined = false; // has been in once: from then on it comes back by itself
    #attempt = 0;
    #timers = { retry: 0, login: 0, ping: 0, pong: 0 };
    #join = null; // {resolve, reject} of the first login
    #lastError = null;

    constructor(url) {
        super();
        this.#url = url;
        addEventListener('online', () => this.retryNow());
        document.addEventListener('visibilitychange', () => {
            if (!document.hidden) this.#wake();
        });
    }

    get online() {
        return this.#loggedIn;
    }

    // The first login: fails with a LoginError and tries no further.
    join(login) {
        this.leave();
        this.#login = login;
        return new Promise((resolve, reject) => {
            this.#join = { resolve, reject };
            this.#connect();
        });
    }

    // After a reload: tries until it is in.
    resume(login) {
        this.leave();
        this.#login = login;
        this.#joined = true;
        this.#connect();
    }

    leave() {
        this.#login = null;
        this.#joined = false;
        this.#attempt = 0;
        this.#drop();
        clearTimeout(this.#timers.retry);
        this.emit('state', 'offline', {});
    }

    retryNow() {
        if (this.#login && this.#joined && !this.#socket) this.#connect();
    }

    // False when it isn't online: the caller keeps the frame.
    send(frame) {
        if (!this.#loggedIn || this.#socket.readyState !== WebSocket.OPEN) return false;
        this.#socket.send(JSON.stringify(frame));
        return true;
    }

    #connect() {
        clearTimeout(this.#timers.retry);
        this.#lastError = null;
        this.emit('state', 'connecting', {});
        const socket = new WebSocket(this.#url);
        this.#socket = socket;
        this.#timers.login = setTimeout(() => this.#lost(socket), loginTimeout);
        socket.onopen = () => socket.send(JSON.stringify({ type: 'login', ...this.#login, got: true }));
        socket.onmessage = (event) => this.#take(socket, event.data);
        socket.onclose = () => this.#lost(socket);
    }

    #take(socket, data) {
        let frame;
        try {
            frame = JSON.parse(data);
        } catch {
            return;
        }
        this.#expectSilence();
        if (frame.type === 'login_success' && !this.#loggedIn) {
            this.#welcome(frame);
        } else if (frame.type === 'error' && !this.#loggedIn) {
            this.#lastError = new LoginError(String(frame.code), String(frame.message));
            this.#lost(socket);
        } else if (frame.type === 'error' && partings.has(frame.code)) {
            this.#lastError = new LoginError(frame.code, frame.message);
        } else if (!(frame.type === 'system' && frame.command === 'ping')) {
            this.emit('frame', frame);
        }
    }

    #welcome(frame) {
        clearTimeout(this.#timers.login);
        this.#loggedIn = true;
        this.#joined = true;
        this.#attempt = 0;
        this.#join?.resolve(frame);
        this.#join = null;
        this.#login = { ...this.#login, username: frame.username };
        this.emit('frame', frame);
        this.emit('state', 'online', {});
    }

    #lost(socket) {
        if (socket !== this.#socket) return;
        const error = this.#lastError ?? new LoginError('no_answer', 'The chat does not answer.');
        this.#drop();
        if (this.#join) {
            const { reject } = this.#join;
            this.leave();
            reject(error);
        } else if (final.has(error.code)) {
            this.leave();
            this.emit('refused', error);
        } else if (this.#login) {
            this.#retryLater(error.code);
        }
    }

    #retryLater(code) {
        const delay = Math.min(firstDelay * 2 ** this.#attempt, lastDelay) * (0.8 + 0.4 * Math.random());
        this.#attempt += 1;
        this.#timers.retry = setTimeout(() => this.#connect(), delay);
        this.emit('state', 'waiting', { code });
    }

    // A dead link never says that it is closed, so the socket is let go at once.
    #drop() {
        const socket = this.#socket;
        this.#socket = null;
        this.#loggedIn = false;
        this.#join = this.#login ? this.#join : null;
        for (const name of ['login', 'ping', 'pong']) clearTimeout(this.#timers[name]);
        if (!socket) return;
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
    }

    // Something was heard: the next ping is due only after a silence.
    #expectSilence() {
        clearTimeout(this.#timers.pong);
        this.#timers.pong = 0;
        clearTimeout(this.#timers.ping);
        this.#timers.ping = setTimeout(() => this.#ping(), pingEvery);
    }

    #ping() {
        const socket = this.#socket;
        if (!this.send({ type: 'command', command: 'ping' })) return;
        this.#timers.pong ||= setTimeout(() => this.#lost(socket), pingTimeout);
    }

    // Back from sleep or another tab: is the link still there?
    #wake() {
        if (this.#loggedIn) this.#ping();
        else this.retryNow();
    }
}
