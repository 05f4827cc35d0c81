// Asks before leaving, and what shall become of the messages kept here. Gives {clear}, or null to stay.
import { byId } from '../dom.js';

export function askLogout(chat) {
    const dialog = byId('logout-dialog');
    const unsent = byId('logout-unsent');
    unsent.hidden = chat.unsent === 0;
    unsent.textContent = `${chat.unsent === 1 ? 'One message is' : `${chat.unsent} messages are`} not sent yet. They go out when you come back, unless you clear them.`;
    byId('clear-local').checked = false;
    dialog.returnValue = '';
    dialog.showModal();
    byId('logout-confirm').focus();
    return new Promise((resolve) => {
        const onClose = () =>
            resolve(dialog.returnValue === 'leave' ? { clear: byId('clear-local').checked } : null);
        dialog.addEventListener('close', onClose, { once: true });
    });
}
