// Telling somebody who looks elsewhere: the count in the title, and desktop notifications once they were allowed.
import { readLocal, writeLocal } from './local.js';

const title = document.title;
const longestBody = 200;

export const away = () => document.hidden || !document.hasFocus();

export function showUnread(count) {
    document.title = count ? `(${count}) ${title}` : title;
}

export class Notifications {
    // Only https and localhost have them.
    get possible() {
        return 'Notification' in window && window.isSecureContext;
    }

    get on() {
        return this.possible && Notification.permission === 'granted' && readLocal('notifications', false);
    }

    // By the person's own click, never before. The answer is a sentence when it can't be.
    async toggle() {
        if (this.on) {
            writeLocal('notifications', false);
            return 'Desktop notifications are off.';
        }
        const permission = await Notification.requestPermission();
        if (permission !== 'granted')
            return 'The browser does not allow notifications for this page. Its site settings can change that.';
        writeLocal('notifications', true);
        return 'Desktop notifications are on.';
    }

    show(sender, text, onClick) {
        if (!this.on) return;
        try {
            const notification = new Notification(sender, {
                body: text.slice(0, longestBody),
                tag: `p2p-${sender}`,
                icon: 'favicon.svg',
            });
            notification.onclick = () => {
                window.focus();
                notification.close();
                onClick();
            };
        } catch {
            // Some phones have notifications for service workers alone.
        }
    }
}
