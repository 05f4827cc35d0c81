// Text that people typed: what may be sent, and how it is put on the page. Never as HTML.
const encoder = new TextEncoder();
const linkPattern = /\bhttps?:\/\/[^\s<>"'`\u0000-\u001f]+/gi;

export function byteLength(text) {
    return encoder.encode(text).length;
}

// What the server takes: line feeds and tabs, no other control characters, no halves of surrogate pairs.
export function cleanText(text) {
    return text
        .replace(/\r\n?/g, '\n')
        .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
        .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

export function normaliseName(text) {
    return text.trim().normalize('NFC');
}

// The reason why a name can't be one, or ''. The server has the last word.
export function nameProblem(name) {
    if (name === '') return 'Enter a name.';
    if ([...name].length > 32) return 'A name has at most 32 characters.';
    if (!/^[\p{L}\p{M}\p{N}_.-]+$/u.test(name)) return 'A name is made of letters, digits, “_”, “-” and “.”.';
    if (/^(server|system|all|to_all)$/i.test(name)) return 'This name is reserved.';
    return '';
}

// Splits into [{text, url?}]: only http and https become links, punctuation behind them stays outside.
export function splitLinks(text) {
    const parts = [];
    let end = 0;
    for (const match of text.matchAll(linkPattern)) {
        const url = trimUrl(match[0]);
        if (!isWebUrl(url)) continue;
        if (match.index > end) parts.push({ text: text.slice(end, match.index) });
        parts.push({ text: url, url });
        end = match.index + url.length;
    }
    if (end < text.length) parts.push({ text: text.slice(end) });
    return parts;
}

function trimUrl(url) {
    let trimmed = url.replace(/[.,;:!?…]+$/, '');
    while (trimmed.endsWith(')') && count(trimmed, ')') > count(trimmed, '(')) trimmed = trimmed.slice(0, -1);
    return trimmed;
}

function count(text, character) {
    return text.split(character).length - 1;
}

function isWebUrl(url) {
    try {
        return /^https?:$/.test(new URL(url).protocol);
    } catch {
        return false;
    }
}

// Splits a bot's answer into [{text} | {code}]: blocks between lines of three backquotes.
export function splitCode(text) {
    const parts = [];
    let lines = [];
    let inCode = false;
    const finish = () => {
        if (lines.length) parts.push({ [inCode ? 'code' : 'text']: lines.join('\n') });
        lines = [];
    };
    for (const line of text.split('\n')) {
        if (/^\s*```/.test(line)) {
            finish();
            inCode = !inCode;
        } else {
            lines.push(line);
        }
    }
    finish();
    return parts;
}
