// A short line above everything, for a few seconds. Its container is a status region, so it is read out as well.
import { byId, element } from '../dom.js';

const shownFor = 5000;

export function toast(text, kind = 'system') {
    const line = element('p', { class: 'toast', 'data-kind': kind }, text);
    byId('toasts').append(line);
    setTimeout(() => line.remove(), shownFor);
}
