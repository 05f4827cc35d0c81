// What hostile peers write, in a real browser: by every way in that a text has, it stays a text. How many inputs were
// tried is told as a diagnostic, which tests/summary.py adds up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPage } from './browser.mjs';

const hit = 'window.broken=1';
const texts = [
    `<script>${hit}</script>`, `<img src=x onerror="${hit}">`, `"><svg onload=${hit}>`, `'><script>${hit}</script>`,
    `</div></li></ol></main><script>${hit}</script>`, `<iframe srcdoc="<script>parent.${hit}</script>">`,
    `<iframe src="javascript:parent.${hit}">`, `<object data="javascript:${hit}">`, `<embed src="data:text/html,<script>${hit}</script>">`,
    `<a href="javascript:${hit}">x</a>`, `<form action="javascript:${hit}"><button>x`, `<button formaction="javascript:${hit}">x`,
    `<math><mtext></form><form><mglyph><style></math><img src onerror=${hit}>`, `<svg><animate onbegin=${hit} attributeName=x dur=1s>`,
    `<svg><use href="data:image/svg+xml,<svg id=x onload=${hit}>#x">`, `<details open ontoggle=${hit}>`, `<video><source onerror=${hit}>`,
    `<input autofocus onfocus=${hit}>`, `<body onload=${hit}>`, `<base href="http://evil.example/">`, `<link rel=stylesheet href="http://evil.example/">`,
    `<meta http-equiv=refresh content="0;url=http://evil.example/">`, `<style>*{background:url(http://evil.example/)}</style>`,
    `<template><script>${hit}</script></template>`, `<noscript><p title="</noscript><img src onerror=${hit}>">`, `<!--><img src onerror=${hit}>-->`,
    `<![CDATA[<img src onerror=${hit}>]]>`, `\\x3cscript\\x3e${hit}\\x3c/script\\x3e`, `&lt;script&gt;${hit}&lt;/script&gt;`, '\ufeff<script>', '＜script＞',
    `javascript:${hit}`, `JaVaScRiPt:${hit}`, `data:text/html,<script>${hit}</script>`, `vbscript:${hit}`, `blob:http://x/${hit}`, 'file:///etc/passwd',
    `https://example.org/"onmouseover="${hit}`, `https://example.org/'onclick='${hit}`, `https://example.org/<img src onerror=${hit}>`,
    `http://javascript:${hit}@example.org/`, `https://javascript:${hit}`, `http://example.org/\u202egnp.exe`, `https:javascript:${hit}`, `http://`,
    '{{7*7}} ${7*7} <%= 7*7 %>', `{{constructor.constructor("${hit}")()}}`, '__proto__', 'constructor', '{"__proto__":{"broken":1}}',
    '\u202egnitset', '\u2067\u202e\u2066', '\u200b\u200d\ufeff', 'a\u0301'.repeat(150), '\u{1f468}\u200d'.repeat(60), '```\n</code></pre><img src onerror=' + hit + '>\n```',
    `\`\`\`<script>${hit}</script>`, `# <img src onerror=${hit}>`, `[x](javascript:${hit})`, `![x](http://evil.example/x.png)`, `<http://evil.example/>`,
];

const { world, browser } = await startPage();

// Nothing on the page is more than the page makes of a text.
async function assertHarmless(person) {
    const found = await person.page.evaluate(() => {
        const allowed = new Set('LI DIV SPAN TIME A PRE CODE P BUTTON svg use DETAILS SUMMARY H2 H3'.split(' '));
        const wrong = [];
        for (const node of document.querySelectorAll('.message, .message *')) {
            if (!allowed.has(node.tagName)) wrong.push(node.outerHTML.slice(0, 200));
            for (const { name } of node.attributes) if (/^on|^style$|^srcdoc$/i.test(name)) wrong.push(`${node.tagName} ${name}`);
        }
        for (const link of document.querySelectorAll('.message a'))
            if (!/^https?:$/.test(link.protocol) || !/noopener/.test(link.rel)) wrong.push(link.outerHTML);
        return { wrong, broken: window.broken, polluted: {}.broken, frames: window.frames.length, base: document.baseURI };
    });
    assert.deepEqual(found, { wrong: [], broken: undefined, polluted: undefined, frames: 0, base: `${world.url}/` });
}

test('texts, metadata, readings and answers stay texts', async (t) => {
    const outside = [];
    const eve = await world.json('eve');
    const openai = await world.json('openai');
    const thermometer = await world.json('thermometer1');
    let tried = 0;
    const send = async (from, name, text, more) => {
        from.send({ type: 'chat', destination: name, id: `h${(tried += 1)}`, message: text, ...more });
        await from.take((frame) => frame.type === 'receipt' && frame.id === `h${tried}` && frame.status === 'stored', 'stored');
    };
    for (const text of texts) await send(eve, 'victim', text, { metadata: { temperature: text, unit: text, time: text, [text]: text } });
    const victim = await browser.join('victim', {
        prepare: (page) => {
            page.on('request', (request) => request.url().startsWith(world.url) || outside.push(request.url()));
            page.on('dialog', (dialog) => outside.push(dialog.message()) && dialog.dismiss());
            page.on('popup', (popup) => outside.push(popup.url()));
        },
    });
    await victim.person('eve').click();
    await victim.sees(texts.at(-1));
    await assertHarmless(victim);

    for (const text of texts) {
        const reading = { temperature: text, unit: text, time: text };
        await send(thermometer, 'victim', text, { type: 'subscription', metadata: { ...reading, readings: [reading, text, null, 7] } });
        await send(openai, 'victim', `answer ${text}`, { metadata: { partial: text } });
        openai.send({ type: 'partial', destination: 'victim', id: `p${(tried += 1)}`, text });
        await send(eve, 'victim', text, { type: 'notification', metadata: { type: text, sender: text, replaces: text } });
    }
    await send(thermometer, 'victim', 'the end', { type: 'notification' });
    await send(openai, 'victim', 'the end');
    for (const name of ['openai', 'thermometer1', 'eve']) {
        await victim.person(name).click();
        if (name !== 'eve') await victim.sees('the end');
        await assertHarmless(victim);
    }
    // What was kept in the browser is read again, and what is written here goes out as it is.
    await victim.page.reload();
    await victim.connected();
    await victim.person('eve').click();
    await victim.sees(texts.at(-1));
    await assertHarmless(victim);
    for (const text of texts.filter((one) => !one.includes('\n')).slice(0, 20)) {
        await victim.say(text);
        await eve.receive(text);
        tried += 1;
    }
    await assertHarmless(victim);
    assert.deepEqual(outside, []);
    t.diagnostic(`hostile inputs: ${tried}`);
    await victim.close();
});
