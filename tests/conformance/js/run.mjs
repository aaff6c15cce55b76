// The vendors' JavaScript clients, unmodified. Reads one ask a line and writes one result a line,
// in the same words as python_client.py has.

import { createInterface } from 'node:readline';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';

const TIMEOUT = 20_000;
const openai = ({ address, key }) =>
  new OpenAI({ baseURL: `${address}/openai/v1`, apiKey: key, maxRetries: 0, timeout: TIMEOUT });

/** Follow a stream; `piece` gives the text of an event, or nothing. */
async function followed(stream, piece, progress) {
  let pieces = 0;
  for await (const event of stream) {
    const text = piece(event);
    if (text) {
      pieces += 1;
      progress.text += text;
    }
  }
  return pieces;
}

/** Hang up after the first piece of text. */
async function aborted(stream, piece) {
  for await (const event of stream) {
    if (piece(event)) {
      stream.abort();
      return { pieces: 1 };
    }
  }
  return { pieces: 0 };
}

async function gathered(list, name) {
  const names = [];
  for await (const each of list) names.push(each[name].replace(/^models\//, ''));
  return { answer: names };
}

const chatPiece = (chunk) => chunk.choices[0]?.delta?.content;
const chat = {
  client: openai,
  create: async (client, args) => ({ answer: await client.chat.completions.create(args) }),
  stream: async (client, args, progress) => {
    const stream = client.chat.completions.stream(args);
    const pieces = await followed(stream, chatPiece, progress);
    return { answer: await stream.finalChatCompletion(), pieces };
  },
  abort: (client, args) => aborted(client.chat.completions.stream(args), chatPiece),
  models: (client) => gathered(client.models.list(), 'id'),
  model: async (client, { model }) => ({ answer: (await client.models.retrieve(model)).id }),
  embed: async (client, args) => ({
    answer: (await client.embeddings.create(args)).data[0].embedding,
  }),
};

const responsePiece = (event) => event.type === 'response.output_text.delta' && event.delta;
const responses = {
  client: openai,
  create: async (client, args) => ({ answer: await client.responses.create(args) }),
  stream: async (client, args, progress) => {
    const stream = client.responses.stream(args);
    const pieces = await followed(stream, responsePiece, progress);
    return { answer: await stream.finalResponse(), pieces };
  },
  abort: (client, args) => aborted(client.responses.stream(args), responsePiece),
  count: async (client, args) => ({
    answer: (await client.responses.inputTokens.count(args)).input_tokens,
  }),
};

const messagePiece = (event) => event.type === 'content_block_delta' && event.delta.text;
const messages = {
  client: ({ address, key }) =>
    new Anthropic({
      baseURL: `${address}/anthropic`, apiKey: key, maxRetries: 0, timeout: TIMEOUT,
    }),
  create: async (client, args) => ({ answer: await client.messages.create(args) }),
  stream: async (client, args, progress) => {
    const stream = client.messages.stream(args);
    const pieces = await followed(stream, messagePiece, progress);
    return { answer: await stream.finalMessage(), pieces };
  },
  abort: (client, args) => aborted(client.messages.stream(args), messagePiece),
  count: async (client, args) => ({
    answer: (await client.messages.countTokens(args)).input_tokens,
  }),
  models: (client) => gathered(client.models.list(), 'id'),
  model: async (client, { model }) => ({ answer: (await client.models.retrieve(model)).id }),
};

const gemini = {
  client: ({ address, key }) =>
    new GoogleGenAI({
      apiKey: key, httpOptions: { baseUrl: `${address}/gemini`, timeout: TIMEOUT },
    }),
  create: async (client, args) => ({ answer: await client.models.generateContent(args) }),
  stream: async (client, args, progress) => {
    const chunks = [];
    for await (const chunk of await client.models.generateContentStream(args)) {
      progress.text += chunk.text ?? '';
      chunks.push(chunk);
    }
    return { chunks };
  },
  abort: async (client, args) => {
    const hangUp = new AbortController();
    const config = { ...args.config, abortSignal: hangUp.signal };
    const stream = await client.models.generateContentStream({ ...args, config });
    await stream.next();
    hangUp.abort();
    return { pieces: 1 };
  },
  count: async (client, { model, contents }) => ({
    answer: (await client.models.countTokens({ model, contents })).totalTokens,
  }),
  models: async (client) => gathered(await client.models.list(), 'name'),
  model: async (client, { model }) => {
    const found = await client.models.get({ model });
    return { answer: found.name.replace(/^models\//, '') };
  },
  embed: async (client, { model, contents }) => ({
    answer: (await client.models.embedContent({ model, contents })).embeddings[0].values,
  }),
};

const VENDORS = { chat, responses, messages, gemini };
const clients = new Map();

/** Fields that an SDK has not heard of: beside the others, or where Google's has a place for them. */
function withExtra({ dialect, args, extra }) {
  if (!extra) return args;
  if (dialect !== 'gemini') return { ...args, ...extra };
  return { ...args, config: { ...args.config, httpOptions: { extraBody: extra } } };
}

function bodyOf(error) {
  if (!(error instanceof ApiError)) return error.error;
  try {
    return JSON.parse(error.message);
  } catch {
    return null;
  }
}

async function run(ask) {
  const vendor = VENDORS[ask.dialect];
  const name = `${ask.dialect} ${ask.key}`;
  if (!clients.has(name)) clients.set(name, vendor.client(ask));
  const progress = { text: '' };
  try {
    return await vendor[ask.operation](clients.get(name), withExtra(ask), progress);
  } catch (error) {
    const told = {
      class: error.constructor.name,
      status: error.status,
      message: error.message,
      body: bodyOf(error),
      retry_after: error.headers?.get?.('retry-after'),
    };
    return { error: told, text: progress.text };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
