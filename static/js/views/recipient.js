// The "To:" field: a combobox that completes names (ARIA 1.2 pattern) and opens a thread.
import { byId, element } from '../dom.js';
import { nameProblem, normaliseName } from '../text.js';

const optionsShown = 8;

export class RecipientView {
    #chat;
    #onOpen;
    #input = byId('to');
    #list = byId('to-options');
    #active = -1;

    constructor(chat, onOpen) {
        this.#chat = chat;
        this.#onOpen = onOpen;
        this.#input.addEventListener('input', () => {
            byId('to-error').textContent = '';
            this.#show();
        });
        this.#input.addEventListener('keydown', (event) => this.#key(event));
        this.#input.addEventListener('blur', (event) => this.#left(event.relatedTarget));
        // Before the blur, which hides the list.
        this.#list.addEventListener('pointerdown', (event) => {
            event.preventDefault();
            const option = event.target.closest('[role=option]');
            if (option) this.#choose(option.dataset.name);
        });
        this.#input.form.addEventListener('submit', (event) => {
            event.preventDefault();
            this.#choose(this.#chosen());
        });
    }

    focus() {
        this.#input.focus();
    }

    #matches() {
        const typed = normaliseName(this.#input.value).toLowerCase();
        if (!typed) return [];
        const names = this.#chat.book.names().filter((name) => name.toLowerCase().includes(typed));
        const starts = (name) => (name.toLowerCase().startsWith(typed) ? 0 : 1);
        return names.sort((a, b) => starts(a) - starts(b)).slice(0, optionsShown);
    }

    #show() {
        const names = this.#matches();
        this.#list.replaceChildren(
            ...names.map((name, index) =>
                element(
                    'li',
                    { role: 'option', id: `to-option-${index}`, 'data-name': name, 'aria-selected': 'false' },
                    name,
                    element(
                        'span',
                        { class: 'option-state' },
                        this.#chat.book.isOnline(name) ? 'online' : 'away',
                    ),
                ),
            ),
        );
        this.#activate(-1);
        this.#list.hidden = names.length === 0;
        this.#input.setAttribute('aria-expanded', String(names.length > 0));
    }

    #hide() {
        this.#list.hidden = true;
        this.#activate(-1);
        this.#input.setAttribute('aria-expanded', 'false');
    }

    #activate(index) {
        this.#active = index;
        for (const [position, option] of [...this.#list.children].entries()) {
            option.setAttribute('aria-selected', String(position === index));
        }
        if (index < 0) this.#input.removeAttribute('aria-activedescendant');
        else this.#input.setAttribute('aria-activedescendant', `to-option-${index}`);
    }

    #key(event) {
        if (event.isComposing) return;
        const count = this.#list.hidden ? 0 : this.#list.children.length;
        if (event.key === 'Escape') {
            this.#hide();
        } else if (count && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
            // One step behind the last, and before the first, is the text as typed.
            const step = event.key === 'ArrowDown' ? 1 : -1;
            this.#activate(((this.#active + 1 + step + count + 1) % (count + 1)) - 1);
            event.preventDefault();
        } else if (event.key === 'Tab' && !event.shiftKey && this.#choose(this.#chosen())) {
            event.preventDefault();
        }
    }

    // On to the message with a name typed here: it is for that person and not for the one whose thread was open.
    #left(target) {
        this.#hide();
        if (target && byId('thread').contains(target)) this.#choose(this.#input.value);
    }

    // The option that is marked, else what was typed.
    #chosen() {
        return this.#active >= 0 ? this.#list.children[this.#active].dataset.name : this.#input.value;
    }

    // False for an empty field.
    #choose(typed) {
        const name = normaliseName(typed);
        if (name === '') return false;
        const problem = nameProblem(name);
        byId('to-error').textContent = problem;
        if (problem) return false;
        this.#input.value = '';
        this.#hide();
        this.#onOpen(name);
        return true;
    }
}
