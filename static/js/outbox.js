// What this person sent and the server has not yet acknowledged. In localStorage, written before anything else
// happens, so that neither a reload nor a crash loses a word; the ids make sending again harmless. One item a
// message: a second tab of the same person takes nothing away from this one.
import { localNames, readLocal, removeLocal, writeLocal } from './local.js';

const retryFor = 24 * 3_600_000; // the server recognises a repeated id for longer than that

export class Outbox {
    #prefix;
    #entries = new Map(); // id -> entry, in the order of sending

    constructor(username) {
        this.#prefix = `outbox/${username}/`; // no name has a slash
        const entries = localNames(this.#prefix).map((name) => readLocal(name, null));
        entries.sort((a, b) => a.order - b.order);
        for (const entry of entries) this.#entries.set(entry.id, entry);
    }

    get size() {
        return this.#entries.size;
    }

    // {id, peer, message, timestamp, order, handed}: handed is the time of the first try, 0 before it.
    entries() {
        return [...this.#entries.values()];
    }

    // False when the browser keeps nothing: it is then sent from memory alone.
    add({ id, peer, message, timestamp }) {
        const last = this.entries().at(-1)?.order ?? 0;
        const entry = { id, peer, message, timestamp, order: Math.max(Date.now(), last + 1), handed: 0 };
        this.#entries.set(id, entry);
        return this.#write(entry);
    }

    markHanded(id) {
        const entry = this.#entries.get(id);
        if (entry.handed) return;
        entry.handed = Date.now();
        this.#write(entry);
    }

    remove(id) {
        if (this.#entries.delete(id)) removeLocal(this.#prefix + id);
    }

    // Takes out those that were handed over so long ago that a repeat might be taken for a new message.
    takeExpired() {
        const expired = this.entries().filter(({ handed }) => handed && Date.now() - handed > retryFor);
        for (const { id } of expired) this.remove(id);
        return expired;
    }

    clear() {
        for (const { id } of this.entries()) this.remove(id);
    }

    #write(entry) {
        return writeLocal(this.#prefix + entry.id, entry);
    }
}
