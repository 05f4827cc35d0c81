// Messages kept in this browser, in IndexedDB: one record a message, per username. A promise of keep() that is
// fulfilled means that the record is there at the next visit; only then is a message acknowledged.
const keptPerConversation = 1000;

export class History {
    #username;
    #database = null;
    #queue = [];
    #waiting = [];
    #scheduled = false;

    constructor(username) {
        this.#username = username;
    }

    // Opens, and gives all records of this person in the order in which they came. Without IndexedDB (blocked by the
    // browser) there are none, and keep() keeps nothing: the page works on from memory.
    async load() {
        try {
            this.#database = await open();
        } catch {
            return { records: [], kept: false };
        }
        const records = await all(this.#store('readonly').getAll(this.#range()));
        records.sort((a, b) => a.seq - b.seq);
        return { records: this.#prune(records), kept: true };
    }

    keep(record) {
        if (!this.#database) return Promise.resolve();
        return new Promise((resolve, reject) => {
            this.#queue.push(record);
            this.#waiting.push({ resolve, reject });
            if (this.#scheduled) return;
            this.#scheduled = true;
            setTimeout(() => this.#flush(), 0);
        });
    }

    async clear() {
        if (!this.#database) return;
        const store = this.#store('readwrite');
        store.delete(this.#range());
        await done(store.transaction);
    }

    close() {
        this.#database?.close();
        this.#database = null;
    }

    // One transaction for all that came in one go.
    async #flush() {
        const records = this.#queue;
        const waiting = this.#waiting;
        this.#queue = [];
        this.#waiting = [];
        this.#scheduled = false;
        try {
            const store = this.#store('readwrite');
            for (const record of records) store.put({ ...record, key: this.#key(record) });
            await done(store.transaction);
            for (const { resolve } of waiting) resolve();
        } catch (error) {
            for (const { reject } of waiting) reject(error);
        }
    }

    #prune(records) {
        const counts = new Map();
        const kept = [];
        const dropped = [];
        for (const record of records.toReversed()) {
            const count = (counts.get(record.peer) ?? 0) + 1;
            counts.set(record.peer, count);
            (count <= keptPerConversation ? kept : dropped).push(record);
        }
        if (dropped.length) {
            const store = this.#store('readwrite');
            for (const record of dropped) store.delete(this.#key(record));
        }
        return kept.reverse();
    }

    #store(mode) {
        return this.#database.transaction('messages', mode).objectStore('messages');
    }

    #key(record) {
        return [this.#username, record.direction, record.peer, record.id];
    }

    #range() {
        return IDBKeyRange.bound([this.#username], [this.#username, []]);
    }
}

function open() {
    return new Promise((resolve, reject) => {
        const request = indexedDB.open('p2p-chat', 1);
        request.onupgradeneeded = () => request.result.createObjectStore('messages', { keyPath: 'key' });
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

function all(request) {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

function done(transaction) {
    return new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
}
