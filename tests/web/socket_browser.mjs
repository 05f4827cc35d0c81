// A browser as the adapter sees it: a WebSocket. Everything that came and was not yet taken is in `frames`.

import WebSocket from 'ws';
import { waitUntil, within } from './harness.mjs';

export class SocketBrowser {
    constructor(url, options) {
        this.frames = [];
        this.socket = new WebSocket(url, options);
        this.socket.on('message', (data) => this.frames.push(JSON.parse(data)));
        this.socket.on('error', (error) => (this.error = error));
        this.closed = new Promise((resolve) => this.socket.once('close', (code) => resolve(code)));
        this.opened = new Promise((resolve, reject) => {
            this.socket.once('open', resolve);
            this.socket.once('error', reject);
        });
        this.opened.catch(() => {});
    }

    send(frame) {
        this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    }

    async take(fits, what) {
        const frame = await waitUntil(() => {
            const at = this.frames.findIndex(fits);
            return at >= 0 ? this.frames.splice(at, 1)[0] : null;
        }, what).catch((error) => {
            throw new Error(`${error.message}; there are ${JSON.stringify(this.frames).slice(0, 2000)}`);
        });
        return frame;
    }

    type(type) {
        return this.take((frame) => frame.type === type, type);
    }

    async login(username, more = {}) {
        await within(this.opened, 'open');
        this.send({ type: 'login', username, ...more });
        return this.type('login_success');
    }

    // Answered by the server: whatever was sent before has been dealt with.
    async ping() {
        this.send({ type: 'command', command: 'ping' });
        return this.take((frame) => frame.command === 'ping', 'answer to ping');
    }

    async leave() {
        this.socket.close();
        return within(this.closed, 'close');
    }
}
