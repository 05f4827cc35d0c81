// Looks after attention: what has been read, what is announced, notified, counted in the title, and where notices go.
import { announce } from './announcer.js';
import { away, Notifications, showUnread } from './attention.js';
import { countsAsUnread } from './book.js';
import { byId } from './dom.js';
import { toast } from './views/toast.js';

export class Attendant {
    #chat;
    #thread;
    #openThread;
    #notifications = new Notifications();

    constructor(chat, thread, openThread) {
        this.#chat = chat;
        this.#thread = thread;
        this.#openThread = openThread;
        chat.on('opened', (book) => {
            book.on('message', (record) => this.#arrived(record));
            book.on('list', () => showUnread(book.totalUnread()));
            showUnread(book.totalUnread());
        });
        chat.on('notice', (text, kind) => this.notice(text, kind));
        for (const event of ['focus', 'visibilitychange']) addEventListener(event, () => this.looked(), true);
        this.#bindNotify();
    }

    // The person looks at the page: the thread that is open has been read.
    looked() {
        if (!away() && this.#thread.peer) this.#chat.book?.markRead(this.#thread.peer);
    }

    left() {
        showUnread(0);
    }

    // A line of the system's: in the open thread, else for a moment above all.
    notice(text, kind) {
        if (this.#thread.peer) {
            this.#thread.addNotice(text, kind);
            announce(text);
        } else {
            toast(text, kind);
        }
    }

    #arrived(record) {
        if (record.direction !== 'in') return;
        announce(`${record.peer}: ${record.message}`);
        const open = this.#thread.peer;
        if (record.peer === open) this.looked();
        else if (!open && countsAsUnread(record) && !record.stored) this.#offer(record);
        if (away() && countsAsUnread(record)) {
            this.#notifications.show(record.peer, record.message, () => this.#openThread(record.peer));
        }
    }

    // Nothing is open, so somebody who writes opens their thread; but not on a phone, where the list would be gone.
    #offer(record) {
        if (byId('to').value === '' && byId('nobody').offsetParent)
            this.#openThread(record.peer, { focus: document.activeElement === byId('to') });
    }

    #bindNotify() {
        const button = byId('notify');
        const draw = () => {
            button.hidden = !this.#notifications.possible;
            button.setAttribute('aria-pressed', String(this.#notifications.on));
            button.title = this.#notifications.on
                ? 'Desktop notifications are on'
                : 'Desktop notifications are off';
        };
        button.addEventListener('click', async () => {
            toast(await this.#notifications.toggle());
            draw();
        });
        draw();
    }
}
