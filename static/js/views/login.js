// The login form. A refusal is shown beside the field that it is about, and the focus goes there.
import { byId } from '../dom.js';
import { readLocal } from '../local.js';
import { nameProblem, normaliseName } from '../text.js';

// code -> where it is shown, and the sentence (else the server's own).
const reasons = new Map([
    ['username_taken', ['username', 'This name is taken at the moment. Choose another one.']],
    ['username_invalid', ['username', 'A name is made of letters, digits, “_”, “-” and “.”, at most 32.']],
    ['username_reserved', ['username', 'This name is reserved.']],
    ['unauthorized', ['username', 'This name belongs to a service and needs its token.']],
    [
        'server_not_allowed',
        ['server', 'This page may not connect to that server. Leave both fields empty for the usual one.'],
    ],
    ['connect_failed', ['server', 'The chat server cannot be reached.']],
    ['resolve_failed', ['server', 'There is no server of that name.']],
    ['no_answer', ['login', 'The chat does not answer. Is it running?']],
]);

const fields = {
    username: ['username-error', 'username'],
    server: ['server-error', 'server-host'],
    login: ['login-error', null],
};

export class LoginView {
    #root = byId('login');
    #form = this.#root.querySelector('form');
    #button = this.#form.querySelector('button[type=submit]');
    #join;

    constructor(join) {
        this.#join = join;
        this.#form.addEventListener('submit', (event) => {
            event.preventDefault();
            this.#submit();
        });
        this.#form.addEventListener('input', (event) => this.#clearErrorOf(event.target));
    }

    show() {
        this.#root.hidden = false;
        this.#form.elements.username.value ||= readLocal('username', '');
        this.#form.elements.username.select();
        this.#form.elements.username.focus();
    }

    hide() {
        this.#root.hidden = true;
    }

    showError(error, details) {
        if (details) {
            this.#form.elements.username.value = details.username;
            this.#form.elements.server_host.value = details.server_host ?? '';
            this.#form.elements.server_port.value = details.server_port ?? '';
        }
        const [place, sentence] = reasons.get(error.code) ?? ['login', error.message];
        this.#point(place, sentence);
    }

    async #submit() {
        if (this.#button.disabled) return;
        this.#clearErrors();
        const details = this.#details();
        if (!details) return;
        this.#button.disabled = true;
        try {
            await this.#join(details);
        } catch (error) {
            this.showError(error);
        } finally {
            this.#button.disabled = false;
        }
    }

    #details() {
        const username = normaliseName(this.#form.elements.username.value);
        const problem = nameProblem(username);
        if (problem) return this.#point('username', problem);
        const host = this.#form.elements.server_host.value.trim();
        const port = this.#form.elements.server_port.value.trim();
        if (port && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
            return this.#point('server', 'A port is a number from 1 to 65535.', 'server-port');
        }
        return { username, ...(host && { server_host: host }), ...(port && { server_port: Number(port) }) };
    }

    #point(place, sentence, field) {
        const [errorId, fieldId] = fields[place];
        byId(errorId).textContent = sentence;
        if (place === 'server') byId('server-settings').open = true;
        const input = byId(field ?? fieldId);
        input?.setAttribute('aria-invalid', 'true');
        input?.focus();
        return null;
    }

    #clearErrors() {
        for (const [errorId] of Object.values(fields)) byId(errorId).textContent = '';
        for (const input of this.#form.querySelectorAll('[aria-invalid]'))
            input.removeAttribute('aria-invalid');
    }

    #clearErrorOf(input) {
        input.removeAttribute('aria-invalid');
        const id = input.getAttribute('aria-describedby');
        if (id) byId(id).textContent = '';
        byId('login-error').textContent = '';
    }
}
