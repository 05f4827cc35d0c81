// The suite's services as the page knows them: their names, and what their buttons write.
export const thermometer = 'thermometer1';
export const bot = 'openai';

const commands = new Map([
    [
        bot,
        [
            { label: 'Help', message: 'help' },
            { label: 'Happy', message: 'personality happy' },
            { label: 'Angry', message: 'personality angry' },
            { label: 'Spanish', message: 'personality spanish' },
            { label: 'Rotate', message: 'rotate' },
        ],
    ],
    [
        thermometer,
        [
            { label: 'Range', message: 'range' },
            { label: 'Reboot', message: 'reboot' },
        ],
    ],
]);

export const commandsOf = (name) => commands.get(name) ?? [];

const descriptions = new Map([
    [bot, 'Ask anything. The buttons below change how the bot answers.'],
    [thermometer, 'Subscribe to get its readings; they are drawn here as they come.'],
]);

export const descriptionOf = (name) => descriptions.get(name) ?? '';
