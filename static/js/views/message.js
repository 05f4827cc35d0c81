// One message as an element of the thread. All text goes in as text.
import { element, icon } from '../dom.js';
import { bot } from '../services.js';
import { splitCode, splitLinks } from '../text.js';
import { clockTime, exactTime, parseTime } from '../time.js';

const statuses = {
    waiting: ['waiting', 'Waiting to be sent'],
    sent: ['sent', 'Sent'],
    stored: ['double', 'Stored'],
    delivered: ['double', 'Delivered'],
    rejected: ['rejected', 'Not sent'],
};

const storedMark = 'Stored';

export function messageElement(record, { username, onRetry }) {
    const time = parseTime(record.timestamp);
    const own = record.direction === 'out';
    const text = textElement(record.message, record.peer === bot && !own);
    text.dataset.meta = `${record.stored ? `${storedMark} · ` : ''}${clockTime(time)}`;
    const item = element(
        'li',
        {
            class: 'message',
            'data-direction': record.direction,
            'data-kind': kindOf(record),
            'data-id': record.id,
        },
        element(
            'div',
            { class: 'bubble' },
            element('span', { class: 'visually-hidden' }, `${own ? username : record.peer}: `),
            text,
            element(
                'span',
                { class: 'meta' },
                record.stored ? element('span', { class: 'mark' }, storedMark) : null,
                element('time', { datetime: record.timestamp, title: exactTime(time) }, clockTime(time)),
                own ? element('span', { class: 'tick' }) : null,
            ),
        ),
    );
    if (own) drawStatus(item, record, onRetry);
    return item;
}

// Ticks, and for a message that was refused, why and what to do.
export function drawStatus(item, record, onRetry) {
    const [name, label] = statuses[record.status];
    item.dataset.status = record.status;
    const tick = item.querySelector('.tick');
    tick.title = label;
    tick.replaceChildren(icon(name, label));
    item.querySelector('.refusal')?.remove();
    if (record.status !== 'rejected') return;
    const again = element('button', { type: 'button', class: 'quiet' }, 'Try again');
    again.addEventListener('click', () => onRetry(record));
    item.append(element('p', { class: 'refusal' }, `Not sent: ${record.reason} `, again));
}

// A message that is still growing; the whole one replaces it.
export function partialElement(peer, id, text) {
    return element(
        'li',
        {
            class: 'message partial',
            'data-direction': 'in',
            'data-kind': peer === bot ? 'bot' : 'chat',
            'data-id': id,
        },
        element(
            'div',
            { class: 'bubble' },
            element('span', { class: 'visually-hidden' }, `${peer} is writing: `),
            textElement(text, peer === bot),
        ),
    );
}

export function growPartial(item, peer, text) {
    item.querySelector('.text').replaceWith(textElement(text, peer === bot));
}

// Bot before stored before the rest: the colours follow this.
function kindOf(record) {
    if (record.stored) return 'stored';
    if (record.peer === bot && record.direction === 'in') return 'bot';
    return record.kind === 'chat' ? 'chat' : 'note';
}

function textElement(text, withCode) {
    const box = element('div', { class: 'text', dir: 'auto' });
    if (!withCode) {
        box.append(...linked(text));
        return box;
    }
    for (const part of splitCode(text)) {
        if (part.code !== undefined)
            box.append(element('pre', { tabindex: '0' }, element('code', {}, part.code)));
        else box.append(...linked(part.text.replace(/^\n+|\n+$/g, '')));
    }
    return box;
}

function linked(text) {
    return splitLinks(text).map(({ text: part, url }) =>
        url ? element('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, part) : part,
    );
}
