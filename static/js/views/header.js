// The bar on top: state of the link, who is online, theme, notifications, logout.
import { byId, element, icon } from '../dom.js';
import { coalesced } from '../emitter.js';

const states = { connecting: 'Connecting…', online: 'Connected', offline: '' };
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
    #lost = ''; // what to say while the link is lost

    constructor(chat, session, theme, onLogout) {
        this.#chat = chat;
        this.#session = session;
        this.#theme = theme;
        const drawOnline = coalesced(() => this.#drawOnline());
        chat.on('opened', (book) => {
            byId('me').textContent = byId('me').title = book.username;
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

    // The same words for as long as the link is lost, whatever is being tried: they are read out at every change.
    #drawState(state, { code }) {
        if (state === 'waiting')
            this.#lost = code === 'username_taken' ? 'Your name is in use, trying again…' : 'Reconnecting…';
        else if (state !== 'connecting') this.#lost = '';
        const label = byId('link-state');
        const text = this.#lost || states[state];
        label.dataset.state = this.#lost ? 'waiting' : state;
        if (label.textContent !== text) label.textContent = text;
        byId('retry').hidden = !this.#lost;
    }

    #drawOnline() {
        const box = byId('online');
        if (!this.#session.online || !this.#chat.book) {
            box.textContent = '';
            return;
        }
        const others = this.#chat.book.others();
        const more = others.length - namesShown;
        const names = others.slice(0, namesShown).flatMap((name) => [', ', element('bdi', {}, name)]);
        const rest = more > 0 ? ` and ${more} more` : '';
        if (others.length) box.replaceChildren('Online: ', ...names.slice(1), rest);
        else box.textContent = 'Nobody else is online';
        box.title = others.slice(0, 200).join(', ');
    }
}
