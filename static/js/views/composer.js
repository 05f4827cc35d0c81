// The message box: sends on Enter, keeps a draft for each conversation, grows with its text, knows the server's limit.
import { byId, element } from '../dom.js';
import { commandsOf } from '../services.js';
import { cleanText } from '../text.js';

const warnWithin = 500; // bytes left

export class ComposerView {
    #chat;
    #peer = null;
    #input = byId('message');
    #button = byId('send');

    constructor(chat, session) {
        this.#chat = chat;
        byId('composer').addEventListener('submit', (event) => {
            event.preventDefault();
            this.#send();
        });
        this.#input.addEventListener('keydown', (event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            this.#send();
        });
        this.#input.addEventListener('input', () => {
            if (this.#peer) chat.drafts.set(this.#peer, this.#input.value);
            this.#fit();
        });
        session.on('state', (state) => this.#drawAway(state));
    }

    open(peer) {
        if (peer === this.#peer) return;
        this.#peer = peer;
        if (!peer) return;
        this.#input.value = this.#chat.drafts.get(peer);
        this.#input.placeholder = `Write to ${peer}`;
        this.#fit();
        this.#drawChips(commandsOf(peer));
    }

    #send() {
        const text = cleanText(this.#input.value);
        if (!this.#peer || text.trim() === '' || this.#chat.excess(text) > 0) return;
        this.#chat.send(this.#peer, text);
        this.#chat.drafts.set(this.#peer, '');
        this.#input.value = '';
        this.#fit();
        this.#input.focus();
    }

    #fit() {
        this.#input.style.height = 'auto';
        this.#input.style.height = `${this.#input.scrollHeight + 2}px`;
        const left = -this.#chat.excess(cleanText(this.#input.value));
        const note = byId('message-size');
        note.textContent =
            left < 0 ? `Too long by ${-left} bytes.` : left < warnWithin ? `${left} bytes left.` : '';
        this.#button.disabled = left < 0;
    }

    #drawChips(commands) {
        const chips = byId('chips');
        chips.hidden = commands.length === 0;
        chips.replaceChildren(
            ...commands.map(({ label, message }) => {
                const chip = element('button', { type: 'button', class: 'chip' }, label);
                chip.addEventListener('click', () => this.#chat.send(this.#peer, message));
                return chip;
            }),
        );
    }

    #drawAway(state) {
        const note = byId('away-note');
        note.hidden = state === 'online';
        note.textContent = 'Not connected. What you send waits here and goes out by itself.';
    }
}
