// Follow server-sent events by fetch, which unlike EventSource can send an API key.
// Resumes after the last event when the connection ends before the job does. Waits for a
// service that is away or busy; an answer that will stay the same is thrown.

const TERMINAL = new Set(["succeeded", "failed", "cancelled"]);
const PASSING = new Set([408, 429, 502, 503, 504]);
const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
const SILENCE_MS = 60000; // the service says something every 15 s
const LOOK_MS = 5000;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// onAway is told the length of each pause while the service is away, and null after it.
export async function follow(
  url,
  headers,
  onEvent,
  { onAway = () => {}, pauseFor = sleep } = {},
) {
  let last = null;
  let pause = PAUSE_MS;
  for (;;) {
    const resume = last === null ? {} : { "Last-Event-ID": last };
    const line = new Line();
    let ended = false;
    try {
      const response = await fetch(url, {
        headers: { ...headers, ...resume },
        signal: line.signal,
      });
      if (response.status === 404) return;
      if (!response.ok && !PASSING.has(response.status)) {
        throw new Error(await reason(response));
      }
      if (response.ok) {
        pause = PAUSE_MS;
        onAway(null);
        for await (const event of parse(response.body, line)) {
          last = event.id ?? last;
          onEvent(event);
          if (TERMINAL.has(event.type)) return;
        }
        ended = true;
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a lost connection is a TypeError
    } finally {
      line.close();
    }
    if (!ended) onAway(pause);
    await pauseFor(pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

// A connection that is given up after a long silence: sleep and tunnels close none.
class Line {
  constructor() {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.hear();
    this.watch = setInterval(() => {
      const silent = Date.now() - this.heard > SILENCE_MS;
      if (silent) controller.abort(new TypeError("the connection is silent"));
    }, LOOK_MS);
  }

  hear() {
    this.heard = Date.now();
  }

  close() {
    clearInterval(this.watch);
  }
}

async function reason(response) {
  const problem = await response.json().catch(() => ({}));
  return problem.detail ?? `The events were refused: HTTP ${response.status}.`;
}

async function* parse(body, line) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    line.hear();
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
