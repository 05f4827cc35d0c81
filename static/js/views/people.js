// The list of conversations, and of those online with whom there is none yet.
import { avatar, byId, element } from '../dom.js';
import { coalesced } from '../emitter.js';
import { formatReading } from '../readings.js';
import { bot, thermometer } from '../services.js';
import { parseTime, shortTime } from '../time.js';

const othersShown = 100;

export class PeopleView {
    #chat;
    #onOpen;
    #selected = null;
    #draw = coalesced(() => this.#drawAll());

    constructor(chat, onOpen) {
        this.#chat = chat;
        this.#onOpen = onOpen;
        chat.on('opened', (book) => {
            for (const event of ['list', 'status', 'presence', 'partial', 'partial_end'])
                book.on(event, this.#draw);
            this.#draw();
        });
        for (const id of ['conversations', 'others-list']) {
            byId(id).addEventListener('click', (event) => {
                const button = event.target.closest('button[data-peer]');
                if (button) onOpen(button.dataset.peer);
            });
        }
        byId('people').addEventListener('keydown', (event) => this.#move(event));
        document.addEventListener('keydown', (event) => this.#step(event));
    }

    select(peer) {
        const left = this.#selected;
        if (left && left !== peer && !this.#chat.drafts?.get(left)) this.#chat.book?.forgetEmpty(left);
        this.#selected = peer;
        this.#draw();
    }

    // Up and down go through the list.
    #move(event) {
        const current = event.target.closest('button[data-peer]');
        if (!current || (event.key !== 'ArrowDown' && event.key !== 'ArrowUp')) return;
        const buttons = [...byId('people').querySelectorAll('button[data-peer]')];
        buttons[buttons.indexOf(current) + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
        event.preventDefault();
    }

    // Alt with up or down opens the conversation above or below, from wherever one is.
    #step(event) {
        if (!event.altKey || (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') || !this.#chat.book)
            return;
        const peers = this.#chat.book.conversations().map(({ peer }) => peer);
        const index = peers.indexOf(this.#selected);
        const next = event.key === 'ArrowDown' ? index + 1 : index < 0 ? peers.length - 1 : index - 1;
        if (peers[next]) this.#onOpen(peers[next]);
        event.preventDefault();
    }

    #drawAll() {
        const { book } = this.#chat;
        if (!book) return;
        const conversations = book.conversations();
        const known = new Set(conversations.map(({ peer }) => peer));
        const others = book.others().filter((name) => !known.has(name));
        this.#fill(
            byId('conversations'),
            conversations.map(({ peer }) => peer),
        );
        this.#fill(byId('others-list'), others.slice(0, othersShown));
        byId('no-conversations').hidden = conversations.length > 0;
        byId('others').hidden = others.length === 0;
    }

    // Each person keeps their element, whatever is drawn in it: a click meets the one it was meant for, and the focus stays.
    #fill(list, peers) {
        const focused = list.contains(document.activeElement) ? document.activeElement : null;
        const wanted = new Set(peers);
        const existing = new Map();
        for (const item of [...list.children]) {
            if (wanted.has(item.firstChild.dataset.peer)) existing.set(item.firstChild.dataset.peer, item);
            else item.remove();
        }
        for (const [index, peer] of peers.entries()) {
            const item =
                existing.get(peer) ??
                element('li', {}, element('button', { type: 'button', class: 'person', 'data-peer': peer }));
            if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
            this.#drawPerson(item.firstChild, peer);
        }
        focused?.focus();
    }

    #drawPerson(button, peer) {
        const online = this.#chat.book.isOnline(peer);
        const conversation = this.#chat.book.find(peer);
        const last = conversation?.records.at(-1);
        const unread = conversation?.unread ?? 0;
        button.dataset.online = String(online);
        if (peer === this.#selected) button.setAttribute('aria-current', 'true');
        else button.removeAttribute('aria-current');
        button.replaceChildren(
            avatar(peer, serviceIcon(peer)),
            element('span', { class: 'name', title: peer }, peer),
            element('span', { class: 'visually-hidden' }, online ? ' (online) ' : ' (away) '),
            ...(last
                ? [
                      element(
                          'time',
                          { class: 'when', datetime: last.timestamp },
                          shortTime(parseTime(last.timestamp)),
                      ),
                      ' ',
                  ]
                : []),
            element('span', { class: 'preview' }, ...this.#previewOf(peer, conversation, online)),
            ...(unread
                ? [
                      ' ',
                      element(
                          'span',
                          { class: 'unread' },
                          String(unread),
                          element('span', { class: 'visually-hidden' }, ' unread'),
                      ),
                  ]
                : []),
        );
    }

    #previewOf(peer, conversation, online) {
        if (conversation?.partials.size) return ['is writing…'];
        const draft = peer === this.#selected ? '' : this.#chat.drafts.get(peer);
        if (draft) return ['Draft: ', oneLine(draft)];
        const last = conversation?.records.at(-1);
        if (!last) return [online ? 'Online' : 'New conversation'];
        const reading = last.kind === 'subscription' ? conversation.readings.summary()?.last : null;
        if (reading) return [formatReading(reading)];
        if (last.direction === 'in') return [oneLine(last.message)];
        return [last.status === 'rejected' ? notSent() : 'You: ', oneLine(last.message)];
    }
}

// Whoever has left the thread meanwhile learns it here.
function notSent() {
    return element('span', { class: 'not-sent' }, 'Not sent: ');
}

export function serviceIcon(name) {
    if (name === bot) return 'bot';
    return name === thermometer ? 'thermometer' : null;
}

// Apart from what stands around it, so that a text from right to left is in its own order.
function oneLine(text) {
    return element('bdi', {}, text.slice(0, 200).replace(/\s+/g, ' '));
}
