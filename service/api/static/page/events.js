// Follow server-sent events by fetch, which unlike EventSource can send an API key.
// Resumes after the last event when the connection ends before the job does.

const TERMINAL = new Set(["succeeded", "failed", "cancelled"]);
const PAUSE_MS = 1000;

export async function follow(url, headers, onEvent) {
  let last = null;
  for (;;) {
    const resume = last === null ? {} : { "Last-Event-ID": last };
    try {
      const response = await fetch(url, { headers: { ...headers, ...resume } });
      if (response.status === 404) return;
      for await (const event of parse(response.body)) {
        last = event.id ?? last;
        onEvent(event);
        if (TERMINAL.has(event.type)) return;
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a lost connection is a TypeError
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
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
