// A model with an OpenAI-compatible API that streams what a test tells it to say.
//
//   const model = await startModel();
//   model.answer = async (question, write, system) => { await write('Two '); await write('words'); };

import { once } from 'node:events';
import http from 'node:http';

async function bodyOf(request) {
    let text = '';
    for await (const data of request) text += data;
    return JSON.parse(text);
}

export async function startModel() {
    const model = { answer: null };
    const server = http.createServer(async (request, response) => {
        const { messages } = await bodyOf(request);
        const write = (content) => {
            const event = { choices: [{ index: 0, delta: { content }, finish_reason: null }] };
            return new Promise((resolve) => response.write(`data: ${JSON.stringify(event)}\n\n`, resolve));
        };
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        await model.answer(messages.at(-1).content, write, messages[0].content);
        response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    model.url = `http://127.0.0.1:${server.address().port}/v1`;
    model.close = () => {
        server.close();
        server.closeAllConnections();
    };
    return model;
}
