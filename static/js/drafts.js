// What is typed and not yet sent, one text a conversation; kept at every key.
import { readLocal, removeLocal, writeLocal } from './local.js';

export class Drafts {
    #name;
    #texts;

    constructor(username) {
        this.#name = `drafts.${username}`;
        this.#texts = readLocal(this.#name, {});
    }

    get(peer) {
        return Object.hasOwn(this.#texts, peer) ? this.#texts[peer] : '';
    }

    peers() {
        return Object.keys(this.#texts);
    }

    set(peer, text) {
        if (text === this.get(peer)) return;
        const others = Object.entries(this.#texts).filter(([name]) => name !== peer);
        this.#texts = Object.fromEntries(text ? [...others, [peer, text]] : others);
        writeLocal(this.#name, this.#texts);
    }

    clear() {
        this.#texts = {};
        removeLocal(this.#name);
    }
}
