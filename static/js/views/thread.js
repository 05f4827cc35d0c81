// The messages of the open conversation: draws the last ones, adds what comes, keeps the place where one reads.
import { countsAsUnread } from '../book.js';
import { avatar, byId, element } from '../dom.js';
import { coalesced } from '../emitter.js';
import { bot, descriptionOf } from '../services.js';
import { dayKey, dayName, parseTime } from '../time.js';
import { drawStatus, growPartial, messageElement, partialElement } from './message.js';
import { serviceIcon } from './people.js';
import { isReading, ReadingGroup } from './reading_group.js';

const page = 200;
const mostDrawn = 600;
const groupWithin = 5 * 60_000; // messages of one person closer than this stand together
const nearEnd = 80; // pixels

export class ThreadView {
    peer = null;
    #chat;
    #list = byId('messages');
    #scroller = byId('scroller');
    #drawn = 0; // messages on the page
    #last = null; // {record, time} of the last one drawn
    #group = null;
    #top = 0; // where the scroller was last
    #below = 0; // new ones below what is in view
    #partials = new Map(); // id -> element
    #stick = true; // the end is in view and stays there

    constructor(chat) {
        this.#chat = chat;
        chat.on('opened', (book) => this.#follow(book));
        this.#scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
        byId('earlier').addEventListener('click', () => this.#showEarlier());
        byId('latest').addEventListener('click', () => this.#toEnd());
        new ResizeObserver(() => this.#stick && this.#toEnd()).observe(this.#scroller);
    }

    open(peer) {
        const same = peer === this.peer;
        this.peer = peer;
        byId('nobody').hidden = Boolean(peer);
        byId('conversation').hidden = !peer;
        if (!peer || same) return;
        byId('with-avatar').replaceChildren(avatar(peer, serviceIcon(peer)));
        byId('with-name').textContent = peer;
        this.#draw(page, this.#chat.book.conversation(peer).unread);
    }

    // A line of the system's: not kept, and gone when the thread is drawn anew.
    addNotice(text, kind) {
        this.#append(element('li', { class: 'notice', 'data-kind': kind }, text));
        this.#group = null;
        this.#last = null;
        this.#stay();
    }

    #follow(book) {
        const ofThis = (peer) => book === this.#chat.book && peer === this.peer;
        book.on('message', (record) => ofThis(record.peer) && this.#add(record));
        book.on('status', (record) => ofThis(record.peer) && this.#redrawStatus(record));
        book.on('partial', (peer, id, text) => ofThis(peer) && this.#grow(id, text));
        book.on('partial_end', (peer, id) => ofThis(peer) && this.#endGrowing(id));
        book.on('presence', () => this.peer && this.#drawPresence());
    }

    get #records() {
        return this.#chat.book.conversation(this.peer).records;
    }

    #draw(count, unread = 0) {
        const records = this.#records;
        const from = Math.max(0, records.length - count);
        this.#list.replaceChildren();
        this.#partials.clear();
        this.#drawn = 0;
        this.#last = null;
        this.#group = null;
        const firstNew = indexOfNew(records, unread);
        for (let index = from; index < records.length; index++) {
            this.#place(records[index], index === firstNew);
        }
        for (const [id, text] of this.#chat.book.conversation(this.peer).partials) this.#grow(id, text);
        byId('earlier').hidden = from === 0;
        this.#drawPresence();
        this.#hint();
        this.#toEnd();
    }

    #hint() {
        const hint = byId('no-messages');
        hint.hidden = this.#records.length > 0;
        hint.textContent =
            descriptionOf(this.peer) || `This is the beginning of your conversation with ${this.peer}.`;
    }

    #add(record) {
        if (this.#drawn >= mostDrawn && this.#stick) {
            this.#draw(page);
            return;
        }
        this.#hint();
        this.#place(record);
        if (record.direction === 'out') this.#toEnd();
        else this.#stay();
    }

    #place(record, isFirstNew = false) {
        const time = parseTime(record.timestamp);
        if (!this.#last || dayKey(this.#last.time) !== dayKey(time)) this.#newDay(time);
        if (isFirstNew) this.#divide('new', 'New');
        this.#drawn += 1;
        if (isReading(record)) {
            if (!this.#group) {
                this.#group = new ReadingGroup();
                this.#append(this.#group.element);
            }
            this.#group.add(record);
        } else {
            this.#group = null;
            const item = messageElement(record, {
                username: this.#chat.book.username,
                onRetry: (again) => this.#chat.retry(again),
            });
            if (this.#continues(record, time)) item.classList.add('continued');
            this.#append(item);
        }
        this.#last = { record, time };
    }

    #newDay(time) {
        const name = dayName(time);
        const previous = [...this.#list.querySelectorAll('.divider.day')].at(-1);
        if (!this.#last && previous?.textContent === name) return;
        this.#divide('day', name);
    }

    #divide(kind, text) {
        this.#group = null;
        this.#append(element('li', { class: `divider ${kind}` }, element('span', {}, text)));
    }

    #continues(record, time) {
        const last = this.#last;
        return (
            last !== null &&
            dayKey(last.time) === dayKey(time) &&
            last.record.direction === record.direction &&
            last.record.kind === record.kind &&
            time - last.time < groupWithin
        );
    }

    // What is still growing stays last.
    #append(item) {
        const growing = this.#partials.values().next().value;
        if (growing) growing.before(item);
        else this.#list.append(item);
    }

    #redrawStatus(record) {
        const item = this.#list.querySelector(`[data-direction=out][data-id="${CSS.escape(record.id)}"]`);
        if (item) drawStatus(item, record, (again) => this.#chat.retry(again));
        this.#stay(0);
    }

    #grow(id, text) {
        const item = this.#partials.get(id);
        if (item) {
            growPartial(item, this.peer, text);
        } else {
            const started = partialElement(this.peer, id, text);
            this.#list.append(started);
            this.#partials.set(id, started);
            this.#drawPresence();
        }
        this.#stay(0);
    }

    #endGrowing(id) {
        this.#partials.get(id)?.remove();
        this.#partials.delete(id);
        this.#drawPresence();
    }

    #drawPresence() {
        const online = this.#chat.book.isOnline(this.peer);
        const away =
            this.peer === bot
                ? 'Not running. Your message waits for it.'
                : 'Away. Messages wait until they are back.';
        byId('with-presence').textContent = !this.#chat.connected
            ? 'Not connected'
            : this.#partials.size
              ? 'Writing…'
              : online
                ? 'Online'
                : away;
        byId('with-presence').dataset.online = String(online);
    }

    #showEarlier() {
        const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
        this.#draw(this.#drawn + page);
        this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
        this.#scroller.focus();
    }

    #scrolled() {
        const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
        // Away from the end is only who went up: the end itself moves down with what comes.
        const up = scrollTop < this.#top;
        this.#top = scrollTop;
        if (scrollHeight - scrollTop - clientHeight < nearEnd) this.#stick = true;
        else if (up) this.#stick = false;
        if (this.#stick) this.#below = 0;
        this.#drawLatest();
    }

    // After something came: to the end, unless one reads further up. Once for many, because it costs a layout.
    #stay(added = 1) {
        this.#below += added;
        this.#settle();
    }

    #settle = coalesced(() => (this.#stick ? this.#toEnd() : this.#drawLatest()));

    #toEnd() {
        this.#stick = true;
        this.#below = 0;
        this.#scroller.scrollTop = this.#scroller.scrollHeight;
        this.#top = this.#scroller.scrollTop;
        this.#drawLatest();
    }

    #drawLatest() {
        const button = byId('latest');
        button.hidden = this.#stick;
        button.querySelector('span').textContent = this.#below ? `${this.#below} new` : 'Latest';
    }
}

// Where the unread ones begin; -1 when there are none.
function indexOfNew(records, unread) {
    let index = records.length;
    while (unread > 0 && index > 0) {
        index -= 1;
        if (countsAsUnread(records[index])) unread -= 1;
    }
    return index === records.length ? -1 : index;
}
