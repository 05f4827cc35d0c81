// Times as people read them, in the browser's own language and time zone.
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const clockSeconds = new Intl.DateTimeFormat(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
});
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const dayYear = new Intl.DateTimeFormat(undefined, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
});
const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

// A peer's timestamp; now when it can't be read.
export function parseTime(text) {
    const date = new Date(text);
    return Number.isNaN(date.getTime()) ? new Date() : date;
}

export const clockTime = (date) => clock.format(date);
export const clockTimeSeconds = (date) => clockSeconds.format(date);
export const exactTime = (date) => exact.format(date);
export const dayKey = (date) => `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;

function daysAgo(date) {
    const midnight = (moment) => Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate());
    return Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
}

export function dayName(date) {
    const ago = daysAgo(date);
    if (ago === 0) return 'Today';
    if (ago === 1) return 'Yesterday';
    return date.getFullYear() === new Date().getFullYear() ? day.format(date) : dayYear.format(date);
}

// For the list of conversations: the time today, else the day.
export function shortTime(date) {
    const ago = daysAgo(date);
    if (ago === 0) return clock.format(date);
    return ago === 1 ? 'Yesterday' : shortDay.format(date);
}
