// The least of event emitters: what views and models tell each other with.
export class Emitter {
    #listeners = new Map();

    on(name, listener) {
        if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
        this.#listeners.get(name).add(listener);
    }

    emit(name, ...details) {
        for (const listener of this.#listeners.get(name) ?? []) listener(...details);
    }
}

// Runs fn once, soon, however often the result is called: lists are drawn once for a burst of messages. A timer and
// not an animation frame, which a hidden page never gets.
export function coalesced(fn) {
    let timer = 0;
    return () => {
        timer ||= setTimeout(() => {
            timer = 0;
            fn();
        }, 16);
    };
}
