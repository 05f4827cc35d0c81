// The page in a real browser, against the whole chain: adapter, chat server, message API.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPage } from './browser.mjs';
import { waitUntil } from './harness.mjs';

const { world, browser } = await startPage();

test('two people chat', async () => {
    const alice = await browser.join('alice');
    const bob = await browser.join('bob');
    await alice.page.locator('#online').getByText('bob').waitFor();
    await alice.write('bob', 'Hello\nsee https://example.org/a?b=1, and javascript:alert(1)');
    await bob
        .message('Hello\nsee https://example.org/a?b=1, and javascript:alert(1)', '[data-kind=chat]')
        .waitFor();
    await alice.page.locator('.message[data-status=delivered] .tick [aria-label=Delivered]').waitFor();

    const links = bob.page.locator('.message a');
    assert.equal(await links.count(), 1);
    assert.equal(await links.getAttribute('href'), 'https://example.org/a?b=1');
    assert.equal(await links.getAttribute('rel'), 'noopener noreferrer');
    assert.equal(
        await bob.page.locator('.text').evaluate((text) => getComputedStyle(text).whiteSpaceCollapse),
        'preserve',
    );
    assert.match(await bob.page.locator('.message time').getAttribute('title'), /\d{4}.*\d\d:\d\d:\d\d/);
    assert.deepEqual(await bob.page.locator('.divider.day').allTextContents(), ['Today']);
    await bob.page.locator('#announcer').getByText('alice: Hello').waitFor();

    await bob.say('Hello yourself');
    await alice.sees('Hello yourself');
    await bob.close();
    await alice.page.locator('#with-presence').getByText('Away').waitFor();
    await alice.close();
});

test('who writes while another thread is open is counted, in the list and in the title', async () => {
    const ann = await browser.join('ann');
    const ben = await world.json('ben');
    await ann.open('somebody');
    await ben.message('ann', 'one');
    await ben.message('ann', 'two');
    await ann.person('ben').getByText('2 unread').waitFor();
    await waitUntil(async () => (await ann.page.title()) === '(2) P2P chat', 'the title');
    await ann.person('ben').click();
    await ann.sees('two');
    await ann.page.locator('.divider.new').waitFor();
    await waitUntil(async () => (await ann.page.title()) === 'P2P chat', 'the title without a count');
    await ann.close();
});

test('offline, then online; kept for the next visit; cleared by logout when asked', async () => {
    const carl = await browser.join('carl');
    await carl.write('dora', 'for later');
    await carl.reached('for later', 'stored');

    const dora = await browser.join('dora');
    await dora.person('carl').getByText('1 unread').waitFor();
    await dora.person('carl').click();
    await dora.message('for later', '[data-kind=stored]').waitFor();
    await carl.reached('for later', 'delivered');

    const logout = async (clear) => {
        await dora.button('Logout').click();
        if (clear) await dora.page.getByLabel(/Also clear/).check();
        await dora.button('Log out').click();
        await dora.page.getByLabel('Username').waitFor();
    };
    await logout(false);
    await dora.join('dora');
    await dora.person('carl').click();
    await dora.sees('for later');
    assert.equal(await dora.message('for later').count(), 1);
    assert.equal(await dora.page.locator('.unread').count(), 0);
    await logout(true);
    await dora.join('dora');
    await dora.page.getByText('None yet.').waitFor();
    assert.equal(await dora.person('carl').locator('.preview').textContent(), 'Online');
    await Promise.all([carl.close(), dora.close()]);
});

test('the reason of a failed login stands beside its field', async () => {
    await world.json('erik');
    const visitor = await browser.visit();
    const { page } = visitor;
    const field = page.getByLabel('Username');
    await visitor.fillLogin('erik');
    await page.locator('#username-error').getByText('taken').waitFor();
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    assert.ok(await field.evaluate((input) => input === document.activeElement));
    await visitor.fillLogin('system');
    await page.locator('#username-error').getByText('reserved').waitFor();
    await visitor.fillLogin('<b>');
    await page.locator('#username-error').getByText('letters').waitFor();

    await page.getByText('Server settings').click();
    await page.getByLabel('Host').fill('169.254.169.254');
    await visitor.fillLogin('frida');
    await page.locator('#server-error').getByText('may not connect').waitFor();
    await page.getByLabel('Port').fill('70000');
    await visitor.fillLogin('frida');
    await page.locator('#server-error').getByText('1 to 65535').waitFor();
    await page.getByLabel('Host').fill('127.0.0.1');
    await page.getByLabel('Port').fill(String(world.ports.server));
    await visitor.join('frida');
    await visitor.close();
});

test('texts and names are never markup', async () => {
    const hostile = [
        '<img src=x onerror="window.broken=1">',
        '<script>window.broken=1</script>',
        '"><svg onload=window.broken=1>',
        'https://example.org/"onmouseover="window.broken=1',
        '&lt;b&gt; &amp; {{7*7}} ${7*7}',
    ];
    const greta = await browser.join('greta');
    const hugo = await world.json('hugo');
    for (const text of hostile)
        await hugo.message('greta', text, { metadata: { temperature: text, unit: text } });
    await greta.person('hugo').click();
    await greta.sees(hostile.at(-1));
    assert.deepEqual(await greta.texts(), hostile);
    await greta.to.fill('<b>x</b>');
    await greta.to.press('Enter');
    await greta.page.locator('#to-error').getByText('letters').waitFor();
    await greta.to.fill('Server');
    await greta.to.press('Enter');
    await greta.page.locator('#to-error').getByText('reserved').waitFor();
    await greta.say(hostile[1]);
    await hugo.receive(hostile[1]);
    await greta.reached(hostile[1], 'delivered');
    assert.equal(await greta.page.evaluate(() => window.broken), undefined);
    assert.equal(await greta.page.locator('.message img, .message script, .message svg[onload]').count(), 0);
    await greta.close();
});

test('the server is killed and comes back while somebody types', async () => {
    const ida = await browser.join('ida');
    await world.json('jan');
    await ida.open('jan');
    await ida.box.pressSequentially('half a sen');
    await world.kill('server');
    await ida.disconnected();
    await ida.box.pressSequentially('tence');
    assert.equal(await ida.box.inputValue(), 'half a sentence');
    await ida.box.press('Enter');
    await ida.reached('half a sentence', 'waiting');
    await ida.box.fill('a draft');
    await world.start('server');
    const jan = await world.json('jan');
    await ida.connected();
    await jan.receive('half a sentence');
    await ida.reached('half a sentence', 'delivered');
    assert.equal(await ida.box.inputValue(), 'a draft');
    assert.equal(await ida.page.locator('.message').count(), 1);
    await ida.close();
});

test('an outbox survives a reload and goes out once, in its order', async () => {
    const kim = await browser.join('kim');
    await kim.write('leo', 'zero');
    await kim.reached('zero', 'stored');
    await world.kill('adapter');
    await kim.disconnected();
    for (const text of ['one', 'two', 'three']) await kim.say(text);
    await kim.box.fill('a draft for leo');
    await world.start('adapter');
    await world.kill('server');
    await kim.page.reload();
    await kim.person('leo').click();
    await kim.reached('three', 'waiting');
    assert.equal(await kim.box.inputValue(), 'a draft for leo');
    await world.start('server');
    await kim.connected();
    await kim.reached('three', 'stored');
    await kim.page.reload();
    await kim.connected();

    const leo = await world.json('leo');
    const messages = [];
    for (let count = 0; count < 4; count++)
        messages.push((await leo.take((frame) => frame.sender === 'kim', 'messages')).message);
    leo.send({ type: 'command', command: 'check' });
    await leo.take((frame) => frame.type === 'result', 'the check');
    assert.deepEqual(messages, ['zero', 'one', 'two', 'three']);
    assert.equal(leo.frames.filter((frame) => frame.sender === 'kim').length, 0);
    await kim.close();
});

test('the "To:" field completes names', async () => {
    const mia = await browser.join('mia');
    await world.json('nora');
    await world.json('norbert');
    await mia.person('norbert').waitFor();
    await mia.to.pressSequentially('no');
    const options = mia.page.getByRole('option');
    await waitUntil(async () => (await options.count()) === 2, 'two options');
    await mia.to.press('ArrowDown');
    await mia.to.press('ArrowDown');
    assert.equal(await mia.to.getAttribute('aria-activedescendant'), 'to-option-1');
    await mia.to.press('Enter');
    await mia.page.locator('#with-name').getByText('norbert').waitFor();

    // A name typed and left for the message box: the message is for that name.
    await mia.to.fill('NORA');
    await mia.box.click();
    await mia.say('to nora');
    await mia.reached('to nora', 'stored');
    assert.equal(await mia.page.locator('#with-name').textContent(), 'nora');
    await mia.close();
});
