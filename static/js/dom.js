// Making elements. Text goes in as text only; there is no way here to give HTML.
export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === undefined || value === null || value === false) continue;
        if (name === 'class') node.className = value;
        else node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
}

export function icon(name, label) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
    use.setAttribute('href', `#icon-${name}`);
    svg.append(use);
    if (label) {
        svg.setAttribute('role', 'img');
        svg.setAttribute('aria-label', label);
    } else {
        svg.setAttribute('aria-hidden', 'true');
    }
    return svg;
}

const hues = 8;

// A person's initial on a colour that is always the same for the name.
export function avatar(name, iconName) {
    let sum = 0;
    for (const character of name) sum = (sum * 31 + character.codePointAt(0)) >>> 0;
    const initial = iconName ? icon(iconName) : (Array.from(name)[0] ?? '?').toLocaleUpperCase();
    return element(
        'span',
        { class: 'avatar', 'data-hue': sum % hues, 'data-icon': iconName, 'aria-hidden': 'true' },
        initial,
    );
}
