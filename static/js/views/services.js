// The command buttons of the list: stored messages, thermometer, bot.
import { byId } from '../dom.js';
import { bot, thermometer } from '../services.js';

export function bindServices(chat, openThread, attendant) {
    const tell = (name, message) => {
        openThread(name);
        chat.send(name, message);
    };
    byId('subscribe').addEventListener('click', () => tell(thermometer, 'subscribe'));
    byId('unsubscribe').addEventListener('click', () => tell(thermometer, 'unsubscribe'));
    byId('chat-openai').addEventListener('click', () => openThread(bot));
    byId('check').addEventListener('click', () => {
        if (!chat.command('check'))
            attendant.notice('Not connected. Stored messages come by themselves once you are back.', 'error');
    });
}
