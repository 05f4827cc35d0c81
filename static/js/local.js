// localStorage under one prefix, as JSON, for what must be kept at once: settings, drafts, the outbox.
// Without storage (blocked, full) reads give the fallback and writes answer false.
const prefix = 'p2p.';

export function readLocal(name, fallback) {
    try {
        const text = localStorage.getItem(prefix + name);
        return text === null ? fallback : JSON.parse(text);
    } catch {
        return fallback;
    }
}

export function writeLocal(name, value) {
    try {
        localStorage.setItem(prefix + name, JSON.stringify(value));
        return true;
    } catch {
        return false;
    }
}

export function removeLocal(name) {
    try {
        localStorage.removeItem(prefix + name);
    } catch {
        // Nothing is kept then.
    }
}

// The names that begin so.
export function localNames(start) {
    try {
        const names = Object.keys(localStorage).filter((name) => name.startsWith(prefix + start));
        return names.map((name) => name.slice(prefix.length));
    } catch {
        return [];
    }
}

// Of this tab alone: who was logged in, so that a reload goes on.
export function readTab(name) {
    try {
        return JSON.parse(sessionStorage.getItem(prefix + name));
    } catch {
        return null;
    }
}

export function writeTab(name, value) {
    try {
        if (value === null) sessionStorage.removeItem(prefix + name);
        else sessionStorage.setItem(prefix + name, JSON.stringify(value));
    } catch {
        // A reload asks for the name again then.
    }
}
