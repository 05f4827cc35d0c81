// The bar on top: state of the link, who is online, theme, notifications, logout.
import { byId, icon } from '../dom.js';
import { coalesced } from '../emitter.js';

const states = {
    connecting: 'Connecting…',
    online: 'Connected',
    waiting: 'Not connected',
    offline: 'Not connected',
};
const themes = {
    system: ['auto', 'Theme: as the system'],
    light: ['sun', 'Theme: light'],
    dark: ['moon', 'Theme: dark'],
};
const namesShown = 6;

export class HeaderView {
    #chat;
    #session;
    #theme;
    #ticker = 0;

    constructor(chat, session, theme, onLogout) {
        this.#chat = chat;
        this.#session = session;
        this.#theme = theme;
        const drawOnline = coalesced(() => this.#drawOnline());
        chat.on('opened', (book) => {
            byId('me').textContent = book.username;
            book.on('presence', drawOnline);
            drawOnline();
        });
        session.on('state', (state, detail) => {
            this.#drawState(state, detail);
            drawOnline();
        });
        theme.on('change', () => this.#drawTheme());
        byId('theme').addEventListener('click', () => theme.cycle());
        byId('retry').addEventListener('click', () => session.retryNow());
        byId('logout').addEventListener('click', onLogout);
        byId('notify').append(icon('bell', 'Desktop notifications'));
        this.#drawTheme();
    }

    #drawTheme() {
        const [name, label] = themes[this.#theme.choice];
        byId('theme').replaceChildren(icon(name));
        byId('theme').setAttribute('aria-label', label);
        byId('theme').title = label;
    }

    #drawState(state, { retryAt, code }) {
        clearInterval(this.#ticker);
        const label = byId('link-state');
        label.dataset.state = state;
        byId('retry').hidden = state !== 'waiting';
        label.title =
            state === 'waiting' && code === 'username_taken'
                ? 'Somebody is logged in under your name, perhaps you a moment ago.'
                : '';
        label.textContent = states[state];
        if (state !== 'waiting') return;
        const draw = () => {
            const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
            byId('retry').title = `Next try in ${seconds} s`;
        };
        draw();
        this.#ticker = setInterval(draw, 1000);
    }

    #drawOnline() {
        const box = byId('online');
        if (!this.#session.online || !this.#chat.book) {
            box.textContent = '';
            return;
        }
        const others = this.#chat.book.others();
        const more = others.length - namesShown;
        const names = others.slice(0, namesShown).join(', ') + (more > 0 ? ` and ${more} more` : '');
        box.textContent = others.length ? `Online: ${names}` : 'Nobody else is online';
        box.title = others.slice(0, 200).join(', ');
    }
}
