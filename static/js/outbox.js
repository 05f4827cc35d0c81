// What this person sent and the server has not yet acknowledged. In localStorage, written before anything else
// happens, so that neither a reload nor a crash loses a word; the ids make sending again harmless.
import { readLocal, removeLocal, writeLocal } from './local.js';

const retryFor = 24 * 3_600_000; // the server recognises a repeated id for longer than that

export class Outbox {
    #name;
    #entries;

    constructor(username) {
        this.#name = `outbox.${username}`;
        this.#entries = readLocal(this.#name, []);
    }

    get size() {
        return this.#entries.length;
    }

    // {id, peer, message, timestamp, handed}: handed is the time of the first try, 0 before it.
    entries() {
        return [...this.#entries];
    }

    // False when the browser keeps nothing: it is then sent from memory alone.
    add(entry) {
        this.#entries.push({ ...entry, handed: 0 });
        return this.#write();
    }

    markHanded(ids) {
        const now = Date.now();
        for (const entry of this.#entries) {
            if (ids.has(entry.id)) entry.handed ||= now;
        }
        this.#write();
    }

    remove(id) {
        const before = this.#entries.length;
        this.#entries = this.#entries.filter((entry) => entry.id !== id);
        if (this.#entries.length !== before) this.#write();
    }

    // Takes out those that were handed over so long ago that a repeat might be taken for a new message.
    takeExpired() {
        const expired = this.#entries.filter((entry) => entry.handed && Date.now() - entry.handed > retryFor);
        for (const entry of expired) this.remove(entry.id);
        return expired;
    }

    clear() {
        this.#entries = [];
        removeLocal(this.#name);
    }

    #write() {
        return writeLocal(this.#name, this.#entries);
    }
}
