// The live region: screen readers hear each new message once; many at a time as their number.
import { byId, element } from './dom.js';

const collectFor = 250;
const forgetAfter = 15_000;
const longest = 400;
const atMost = 3;

let waiting = [];

export function announce(text) {
    waiting.push(text.length > longest ? `${text.slice(0, longest)}…` : text);
    if (waiting.length === 1) setTimeout(speak, collectFor);
}

function speak() {
    const texts = waiting.length > atMost ? [`${waiting.length} new messages`] : waiting;
    waiting = [];
    for (const text of texts) {
        const line = element('p', {}, text);
        byId('announcer').append(line);
        setTimeout(() => line.remove(), forgetAfter);
    }
}
