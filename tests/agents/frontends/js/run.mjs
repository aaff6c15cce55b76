// The front ends' JavaScript clients, unmodified. Reads one ask a line and writes one result a line.

import { createInterface } from 'node:readline';
import { HttpAgent } from '@ag-ui/client';
import { Chat } from '@ai-sdk/react';
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from 'ai';

console.error = () => {}; // an agent that fails says so on the console too
// Where a connection breaks off, AG-UI's client leaves a rejected promise behind.
process.on('unhandledRejection', () => {});
const warnings = [];
console.warn = (...words) => warnings.push(words.join(' '));

/**
 * A fetch whose first answer breaks off once `mark` has come: the socket is really closed. Once
 * the next one has begun to answer, `gate` is asked.
 */
function dropping(mark, gate) {
  let dropped = false;
  return async (url, init) => {
    const response = await fetch(url, init);
    if (dropped && gate) await fetch(gate);
    if (dropped || !mark) return response;
    dropped = true;
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let seen = '';
    const body = new ReadableStream({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        seen += decoder.decode(value, { stream: true });
        controller.enqueue(value);
        if (seen.includes(mark)) {
          await reader.cancel();
          controller.error(new TypeError('network error'));
        }
      },
    });
    return new Response(body, { status: response.status, headers: response.headers });
  };
}

const settled = async (condition) => {
  for (let turn = 0; turn < 2000 && !condition(); turn += 1)
    await new Promise((wake) => setTimeout(wake, 5));
};

/** A chat of the AI SDK: sends, resumes, or answers the approvals it is asked for. */
async function aiSdk({ api, headers, id = 'chat', messages, send, resume, replay, approve, drop, gate }) {
  const seen = { data: [], errors: [], finished: [] };
  const transport = new DefaultChatTransport({
    api,
    headers,
    fetch: dropping(drop, gate),
    ...(replay && { prepareReconnectToStreamRequest: () => ({ api: replay, headers }) }),
  });
  const chat = new Chat({
    id,
    messages,
    transport,
    onData: (part) => seen.data.push(part),
    onError: (error) => seen.errors.push(error.message),
    onFinish: ({ isAbort, isDisconnect, isError, finishReason }) =>
      seen.finished.push({ isAbort, isDisconnect, isError, finishReason }),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  const snapshots = [];
  if (send) await chat.sendMessage({ text: send });
  if (send && resume) snapshots.push(structuredClone(chat.messages));
  if (resume) await chat.resumeStream();
  if (approve !== undefined) {
    snapshots.push(structuredClone(chat.messages));
    for (const part of chat.messages.at(-1).parts.filter((p) => p.state === 'approval-requested'))
      await chat.addToolApprovalResponse({ id: part.approval.id, ...approve });
    await settled(() => chat.status === 'ready' || chat.status === 'error');
  }
  return { messages: chat.messages, status: chat.status, snapshots, ...seen };
}

/** The same events from a run's own address. */
class Replaying extends HttpAgent {
  requestInit() {
    return { method: 'GET', headers: this.headers, signal: this.abortController.signal };
  }
}

/** An agent of AG-UI: runs, and answers the interrupts that its run ends with. */
async function agUi({ api, headers, threadId, runId, messages, replay, answer, drop, gate, tools }) {
  const Kind = replay ? Replaying : HttpAgent;
  const agent = new Kind({
    url: replay ?? api,
    headers,
    threadId,
    initialMessages: messages ?? [],
    fetch: dropping(drop, gate),
  });
  const seen = { events: [], errors: [], outcomes: [] };
  const subscriber = {
    onEvent: ({ event }) => void seen.events.push(event),
    onRunFinishedEvent: ({ outcome, interrupts }) => void seen.outcomes.push({ outcome, interrupts }),
    onRunErrorEvent: ({ event }) => void seen.errors.push(event.message),
    onRunFailed: ({ error }) => (seen.errors.push(error.message), { stopPropagation: true }),
  };
  const results = [await agent.runAgent({ runId, tools }, subscriber)];
  if (drop) {
    // What came before the drop is told again from the beginning.
    agent.setMessages(messages ?? []);
    results.push(await agent.runAgent({ runId }, subscriber));
  }
  const snapshots = [structuredClone(agent.messages)];
  if (answer) {
    const resume = agent.pendingInterrupts.map(({ id }) => ({ interruptId: id, ...answer }));
    results.push(await agent.runAgent({ resume }, subscriber));
  }
  return {
    messages: agent.messages,
    results: results.map(({ result }) => result ?? null),
    pending: agent.pendingInterrupts,
    snapshots,
    ...seen,
  };
}

const clients = { 'ai-sdk': aiSdk, 'ag-ui': agUi };

for await (const line of createInterface({ input: process.stdin })) {
  const { client, ...ask } = JSON.parse(line);
  let result;
  try {
    result = await clients[client](ask);
  } catch (error) {
    result = { thrown: `${error.name}: ${error.message}` };
  }
  result.warnings = warnings.splice(0);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
