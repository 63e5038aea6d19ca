// Follow server-sent events by fetch, which unlike EventSource can send an API key.
// Resumes after the last event when the connection ends before the job does. Waits for a
// service that is away or busy; an answer that will stay the same is thrown.

const TERMINAL = new Set(["succeeded", "failed", "cancelled"]);
const PASSING = new Set([408, 429, 502, 503, 504]);
const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;

export async function follow(url, headers, onEvent) {
  let last = null;
  let pause = PAUSE_MS;
  for (;;) {
    const resume = last === null ? {} : { "Last-Event-ID": last };
    try {
      const response = await fetch(url, { headers: { ...headers, ...resume } });
      if (response.status === 404) return;
      if (!response.ok && !PASSING.has(response.status)) {
        throw new Error(await reason(response));
      }
      if (response.ok) {
        pause = PAUSE_MS;
        for await (const event of parse(response.body)) {
          last = event.id ?? last;
          onEvent(event);
          if (TERMINAL.has(event.type)) return;
        }
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a lost connection is a TypeError
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

async function reason(response) {
  const problem = await response.json().catch(() => ({}));
  return problem.detail ?? `The events were refused: HTTP ${response.status}.`;
}

async function* parse(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const event = readBlock(block);
      if (event.type) yield event;
    }
  }
}

function readBlock(block) {
  const fields = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
  }
  return { type: fields.event, id: fields.id, data: JSON.parse(fields.data ?? "null") };
}
