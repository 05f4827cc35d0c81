// One person's chat: brings together the session, the book, and what is kept in the browser. Nothing is acknowledged
// before it is kept, nothing is sent before it is in the outbox. Events:
//   opened(book)  notice(text, kind)  keeping_failed
import { Book } from './book.js';
import { Drafts } from './drafts.js';
import { Emitter } from './emitter.js';
import { History } from './history.js';
import { newId } from './ids.js';
import { Outbox } from './outbox.js';
import { byteLength } from './text.js';

const defaultMaxBytes = 16_384;
const maxFrameText = 65_536 - 1024; // what the adapter takes, without the other members

export class Chat extends Emitter {
    maxBytes = defaultMaxBytes;
    book = null;
    drafts = null;
    #session;
    #history = null;
    #outbox = null;
    #opening = null;
    #backlog = [];
    #kept = true;

    constructor(session) {
        super();
        this.#session = session;
        session.on('frame', (frame) => this.#take(frame));
        session.on('state', (state) => {
            if (state !== 'waiting') return;
            this.book?.endPartials();
            this.book?.setOnline([]);
        });
    }

    get connected() {
        return this.#session.online;
    }

    get unsent() {
        return this.#outbox?.size ?? 0;
    }

    // Reads what this browser keeps of the person. Frames that come meanwhile wait.
    open(username) {
        this.#opening ??= this.#load(username);
        return this.#opening;
    }

    async close({ clear }) {
        if (clear) {
            this.#outbox.clear();
            this.drafts.clear();
            this.book.clearLocal();
            await this.#history.clear();
        }
        this.#history?.close();
        this.book = this.drafts = this.#history = this.#outbox = this.#opening = null;
        this.#backlog = [];
    }

    // By how many bytes a text is too long for one message, or for one WebSocket frame; negative when it fits.
    excess(text) {
        return Math.max(byteLength(text) - this.maxBytes, byteLength(JSON.stringify(text)) - maxFrameText);
    }

    send(peer, message) {
        const entry = { id: newId(), peer, message, timestamp: new Date().toISOString() };
        if (!this.#outbox.add(entry)) this.#tellOnce();
        this.#keep(this.book.addOwn(ownRecord(entry)));
        this.#hand([entry]);
    }

    // A message that was refused, once more: with its id, so that it can't come twice.
    retry(record) {
        this.#outbox.add(record);
        this.book.resetStatus(record);
        this.#hand([record]);
    }

    command(command) {
        return this.#session.send({ type: 'command', command });
    }

    async #load(username) {
        const book = new Book(username);
        this.#history = new History(username);
        this.#outbox = new Outbox(username);
        this.drafts = new Drafts(username);
        const history = this.#history;
        const { records, kept } = await history.load();
        if (history !== this.#history) return; // left meanwhile
        this.#kept = kept;
        book.load(records);
        for (const entry of this.#outbox.entries()) {
            if (!book.ownById(entry.id)) book.addOwn(ownRecord(entry));
        }
        for (const peer of this.drafts.peers()) book.conversation(peer);
        this.book = book;
        this.emit('opened', book);
        const backlog = this.#backlog;
        this.#backlog = [];
        for (const frame of backlog) this.#take(frame);
    }

    #take(frame) {
        if (!this.book) {
            this.#backlog.push(frame);
            if (frame.type === 'login_success') this.open(frame.username);
            return;
        }
        if (Object.hasOwn(this.#handlers, frame.type)) this.#handlers[frame.type](frame);
    }

    #handlers = {
        login_success: (frame) => {
            this.maxBytes = frame.max_message_bytes ?? defaultMaxBytes;
            this.book.setOnline(frame.online_users ?? []);
            this.#flush();
        },
        user_joined: (frame) => this.book.presence(frame.username, true),
        user_left: (frame) => this.book.presence(frame.username, false),
        chat: (frame) => this.#receive(frame, 'chat', false),
        stored: (frame) => this.#receive(frame, frame.message_type ?? 'chat', true),
        notification: (frame) => this.#receive(frame, frame.message_type ?? 'notification', false),
        partial: (frame) => this.book.setPartial(frame.sender, frame.id, frame.message),
        receipt: (frame) => this.#receipt(frame),
        system: (frame) => this.emit('notice', frame.message, 'system'),
        error: (frame) => this.emit('notice', frame.message, 'error'),
    };

    #receive(frame, kind, stored) {
        const { sender, message, timestamp, metadata } = frame;
        const id = frame.id ?? newId();
        const got = () => frame.id && this.#session.send({ type: 'got', sender, id });
        if (this.book.has(sender, id)) {
            got();
            return;
        }
        const record = this.book.receive({
            peer: sender,
            id,
            message,
            timestamp,
            kind,
            stored,
            metadata: metadata ?? {},
        });
        this.#keep(record)?.then(got, () => this.#tellOnce());
    }

    #receipt({ id, status, code, reason }) {
        this.#outbox.remove(id);
        const record = this.book.setStatus(id, status, reason ?? code);
        if (record) this.#keep(record);
    }

    // All that waits, in its order.
    #flush() {
        for (const { id } of this.#outbox.takeExpired()) {
            this.#receipt({ id, status: 'rejected', reason: 'no confirmation within a day' });
        }
        this.#hand(this.#outbox.entries());
    }

    #hand(entries) {
        for (const { id, peer, message, handed } of entries) {
            const again = handed ? { resend: true } : {}; // so that the server asks the store whether it has it
            if (!this.#session.send({ type: 'chat', recipient: peer, message, id, ...again })) return;
            this.#outbox.markHanded(id);
            this.book.setStatus(id, 'sent');
        }
    }

    #keep(record) {
        return this.#history?.keep(record);
    }

    #tellOnce() {
        if (this.#kept) this.emit('notice', 'This browser has no room left to keep messages.', 'error');
        this.#kept = false;
    }
}

function ownRecord({ id, peer, message, timestamp }) {
    return { id, peer, message, timestamp, status: 'waiting' };
}
