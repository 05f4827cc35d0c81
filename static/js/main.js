// Builds the parts of the page and connects them.
import { Attendant } from './attendant.js';
import { Chat } from './chat.js';
import { byId } from './dom.js';
import { readTab, writeLocal, writeTab } from './local.js';
import { Session } from './session.js';
import { Theme } from './theme.js';
import { ComposerView } from './views/composer.js';
import { HeaderView } from './views/header.js';
import { LoginView } from './views/login.js';
import { askLogout } from './views/logout.js';
import { PeopleView } from './views/people.js';
import { ReadingsView } from './views/readings.js';
import { RecipientView } from './views/recipient.js';
import { bindServices } from './views/services.js';
import { ThreadView } from './views/thread.js';

const onePane = matchMedia('(max-width: 46rem)'); // as in shell.css
const touch = matchMedia('(pointer: coarse)');
const threadState = 'thread';

const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
const session = new Session(`${scheme}://${location.host}/ws`);
const chat = new Chat(session);
const theme = new Theme();

const login = new LoginView(async (details) => {
    await session.join(details);
    remember(details);
});
const thread = new ThreadView(chat);
const readings = new ReadingsView(theme);
const composer = new ComposerView(chat, session);
const people = new PeopleView(chat, openThread);
const recipient = new RecipientView(chat, openThread);
new HeaderView(chat, session, theme, logout);
const attendant = new Attendant(chat, thread, openThread);
bindServices(chat, openThread, attendant);

function remember(details) {
    writeTab('login', details);
    writeLocal('username', details.username);
}

function openThread(name, { focus = true } = {}) {
    const peer = name && chat.book.knownName(name);
    thread.open(peer);
    readings.open(peer && chat.book.conversation(peer));
    composer.open(peer);
    people.select(peer);
    if (onePane.matches && peer && history.state !== threadState) history.pushState(threadState, '');
    document.body.dataset.pane = peer ? 'thread' : 'list';
    attendant.looked();
    // Not on a touch screen, where half of it would be the keyboard.
    if (peer && focus && !touch.matches) byId('message').focus();
}

// On a phone the list and the thread take turns, and the browser's own "back" leads to the list as well.
byId('back').addEventListener('click', () => {
    if (history.state === threadState) history.back();
    else openThread(null);
});
addEventListener('popstate', () => {
    if (chat.book && onePane.matches) openThread(null);
});

chat.on('opened', (book) => {
    book.on('message', (record) => {
        if (record.peer === thread.peer) readings.update(book.conversation(record.peer));
    });
    login.hide();
    byId('app').hidden = false;
    openThread(null);
    recipient.focus();
});

session.on('refused', async (error) => {
    const details = readTab('login');
    await leave({ clear: false });
    login.showError(error, details);
});

async function logout() {
    const answer = await askLogout(chat);
    if (answer) await leave(answer);
}

async function leave(answer) {
    session.leave();
    writeTab('login', null);
    openThread(null);
    await chat.close(answer);
    byId('app').hidden = true;
    attendant.left();
    login.show();
}

if (history.state === threadState) history.replaceState(null, '');
const previous = readTab('login');
if (previous) {
    chat.open(previous.username);
    session.resume(previous);
} else {
    login.show();
}
