// Everything that the page shows about people and messages, in memory. A record is one message of one thread:
//   {direction: 'in' | 'out', peer, id, message, timestamp, kind: 'chat' | 'notification' | 'subscription',
//    stored, metadata, seq, status, reason}
// seq counts in the order in which this browser saw them, which is the order of the thread.
// status, of own ones alone: waiting, sent, stored, delivered, rejected. Events:
//   message(record)  status(record)  partial(peer, id, text)  partial_end(peer, id)  list  presence
import { Emitter } from './emitter.js';
import { readLocal, removeLocal, writeLocal } from './local.js';
import { Readings, readingsOf } from './readings.js';

const byName = new Intl.Collator(undefined, { numeric: true });
const rank = { waiting: 0, sent: 1, stored: 2, delivered: 3 };

export class Book extends Emitter {
    #conversations = new Map();
    #own = new Map(); // id -> record
    #online = new Set();
    #seq = 0;
    #read; // peer -> seq up to which it has been read

    constructor(username) {
        super();
        this.username = username;
        this.#read = new Map(Object.entries(readLocal(`read.${username}`, {})));
        // Above all that was read, also when the browser threw the messages away.
        this.#seq = Math.max(0, ...this.#read.values());
    }

    load(records) {
        for (const record of records) this.#file(record);
        this.emit('list');
    }

    conversation(peer) {
        let conversation = this.#conversations.get(peer);
        if (!conversation) {
            conversation = {
                peer,
                records: [],
                incoming: new Set(),
                partials: new Map(),
                unread: 0,
                readings: new Readings(),
            };
            this.#conversations.set(peer, conversation);
        }
        return conversation;
    }

    find(peer) {
        return this.#conversations.get(peer);
    }

    // The latest first; a conversation without a message (just opened) comes before all.
    conversations() {
        const order = (conversation) => conversation.records.at(-1)?.seq ?? Infinity;
        return [...this.#conversations.values()].sort((a, b) => order(b) - order(a));
    }

    // Lets go of one that was opened and never used.
    forgetEmpty(peer) {
        if (this.#conversations.get(peer)?.records.length === 0) this.#conversations.delete(peer);
    }

    has(peer, id) {
        return this.#conversations.get(peer)?.incoming.has(id) ?? false;
    }

    receive(record) {
        this.endPartial(record.peer, record.id);
        return this.#add({ ...record, direction: 'in' });
    }

    addOwn(record) {
        return this.#add({ ...record, direction: 'out', kind: 'chat' });
    }

    ownById(id) {
        return this.#own.get(id);
    }

    // The record if its status changed. A receipt that comes late never takes a better one back.
    setStatus(id, status, reason = '') {
        const record = this.#own.get(id);
        if (!record || record.status === status) return null;
        if (status === 'rejected' ? rank[record.status] > rank.sent : rank[status] < rank[record.status])
            return null;
        record.status = status;
        record.reason = reason;
        this.emit('status', record);
        return record;
    }

    // Once more from the start, for a message that was refused.
    resetStatus(record) {
        record.status = 'waiting';
        record.reason = '';
        this.emit('status', record);
    }

    setPartial(peer, id, text) {
        if (this.has(peer, id)) return;
        this.conversation(peer).partials.set(id, text);
        this.emit('partial', peer, id, text);
    }

    endPartial(peer, id) {
        if (this.#conversations.get(peer)?.partials.delete(id)) this.emit('partial_end', peer, id);
    }

    // A link that broke: what was growing comes whole, from the mailbox.
    endPartials() {
        for (const { peer, partials } of this.#conversations.values()) {
            for (const id of partials.keys()) this.endPartial(peer, id);
        }
    }

    markRead(peer) {
        const conversation = this.#conversations.get(peer);
        if (!conversation || !conversation.unread) return;
        conversation.unread = 0;
        this.#read.set(peer, conversation.records.at(-1).seq);
        writeLocal(`read.${this.username}`, Object.fromEntries(this.#read));
        this.emit('list');
    }

    totalUnread() {
        let total = 0;
        for (const { unread } of this.#conversations.values()) total += unread;
        return total;
    }

    setOnline(names) {
        this.#online = new Set(names);
        this.emit('presence');
    }

    presence(name, online) {
        if (online) this.#online.add(name);
        else this.#online.delete(name);
        this.emit('presence');
    }

    isOnline(name) {
        return this.#online.has(name);
    }

    // Others who are online, by name.
    others() {
        return [...this.#online].filter((name) => name !== this.username).sort(byName.compare);
    }

    // Names to complete: people of the list first.
    names() {
        const names = this.conversations().map(({ peer }) => peer);
        return [...new Set([...names, ...this.others()])];
    }

    // The known spelling of a name: two names that differ in case alone are hardly ever two people.
    knownName(name) {
        const names = this.names();
        const folded = name.toLowerCase();
        return names.includes(name) ? name : (names.find((known) => known.toLowerCase() === folded) ?? name);
    }

    clearLocal() {
        removeLocal(`read.${this.username}`);
    }

    #add(record) {
        const added = { reason: '', stored: false, metadata: {}, ...record, seq: this.#seq + 1 };
        this.#file(added);
        this.emit('message', added);
        this.emit('list');
        return added;
    }

    #file(record) {
        this.#seq = Math.max(this.#seq, record.seq);
        const conversation = this.conversation(record.peer);
        conversation.records.push(record);
        if (record.direction === 'out') {
            this.#own.set(record.id, record);
            return;
        }
        conversation.incoming.add(record.id);
        conversation.readings.add(readingsOf(record));
        if (countsAsUnread(record) && record.seq > (this.#read.get(record.peer) ?? 0))
            conversation.unread += 1;
    }
}

// A device's readings are looked at, not answered: they call nobody.
export function countsAsUnread(record) {
    return record.direction === 'in' && record.kind !== 'subscription';
}
