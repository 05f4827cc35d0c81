// Light, dark, or as the system has it. early_theme.js sets it before the first paint; this changes it.
import { Emitter } from './emitter.js';

const next = { system: 'light', light: 'dark', dark: 'system' };

export class Theme extends Emitter {
    constructor() {
        super();
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.emit('change'));
    }

    get choice() {
        return document.documentElement.dataset.theme ?? 'system';
    }

    cycle() {
        const choice = next[this.choice];
        if (choice === 'system') delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = choice;
        try {
            // Not as JSON: early_theme.js reads it with as little code as can be.
            localStorage.setItem('p2p.theme', choice);
        } catch {
            // For this visit alone then.
        }
        this.emit('change');
    }
}

// A colour of the style sheet as the chart needs it: resolved for the theme that shows.
export function themeColour(name) {
    const probe = document.createElement('span');
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
}
