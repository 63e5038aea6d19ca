// Talk to the service: with the reader's key, with patience while it is away, and with
// problems in words.

const KEY = "kantor-key";
const PASSING = new Set([408, 429, 502, 503, 504]);
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
const MOST_REFUSALS = 5; // of one request by 408 or 429: a 4xx is not repeated for ever

const memory = { key: "" }; // where storage is forbidden

export const key = {
  get() {
    try {
      return sessionStorage.getItem(KEY) ?? "";
    } catch {
      return memory.key;
    }
  },
  set(value) {
    memory.key = value;
    try {
      sessionStorage.setItem(KEY, value);
    } catch {
      // then it holds for this page only
    }
  },
};

export function authorization() {
  return key.get() ? { Authorization: `Bearer ${key.get()}` } : {};
}

// What went wrong, as the service's problem document says it. `status` is 0 where no
// answer came that could be understood.
export class Problem extends Error {
  constructor(document, status) {
    super(document.detail ?? document.title ?? `The service answered HTTP ${status}.`);
    this.status = status;
    this.code = document.code ?? "unexpected_answer";
    this.errors = document.errors ?? [];
  }
}

// Whether the service is away is of interest to the whole page: one listener shows it.
export const connection = {
  show: () => {},
  wake: () => {},
  away(detail, pause) {
    this.show({ detail, pause });
  },
  back() {
    this.show(null);
  },
};

export function pauseFor(milliseconds) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
    connection.wake = done;
  });
}

// Send a request, again and again while the service is away: every one that pages send
// may be repeated (reads, content-addressed uploads, jobs with an idempotency key).
export async function call(method, path, { json, headers = {} } = {}) {
  const options = { method, headers: { ...authorization(), ...headers } };
  if (json !== undefined) {
    options.body = typeof json === "string" ? json : JSON.stringify(json);
    options.headers["Content-Type"] = "application/json";
  }
  const response = await persistently(() => fetch(path, options));
  return response.status === 204 ? null : response.json();
}

export async function persistently(send) {
  let refusals = 0;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const { response, problem } = await attempt(send);
    if (response?.ok) {
      connection.back();
      return response;
    }
    const refused = problem.status >= 400 && problem.status < 500;
    const passing = problem.status === 0 || PASSING.has(problem.status);
    if (!passing || (refused && ++refusals > MOST_REFUSALS)) {
      connection.back();
      throw problem;
    }
    const asked = 1000 * Number(response?.headers?.get("Retry-After"));
    const wait = Math.max(pause, Math.min(asked || 0, LONGEST_PAUSE_MS));
    connection.away(problem.message, wait);
    await pauseFor(wait);
  }
}

async function attempt(send) {
  let response;
  try {
    response = await send();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // a lost connection is a TypeError
    return { problem: new Problem({ detail: "The service cannot be reached." }, 0) };
  }
  if (response.ok) return { response };
  return { response, problem: await problemOf(response) };
}

async function problemOf(response) {
  const { status } = response;
  const document = await response.json().catch(() => null);
  if (document) return new Problem(document, status);
  const detail = PASSING.has(status)
    ? `Something between this page and the service answered HTTP ${status}.`
    : `The service answered HTTP ${status}.`;
  return new Problem({ detail }, status);
}

// Upload a file or text as a dataset; `onProgress` is told the share that is sent.
export async function upload(content, mediaType, onProgress) {
  const response = await persistently(() => post(content, mediaType, onProgress));
  return response.json();
}

// By XMLHttpRequest, which unlike fetch tells how much is sent; in the form of fetch.
function post(content, mediaType, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/datasets");
    if (mediaType) request.setRequestHeader("Content-Type", mediaType);
    for (const [name, value] of Object.entries(authorization())) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onerror = () => reject(new TypeError("connection lost"));
    request.onload = () =>
      resolve(
        new Response(request.status === 204 ? null : request.responseText, {
          status: request.status,
          headers: { "Retry-After": request.getResponseHeader("Retry-After") ?? "" },
        }),
      );
    request.send(content);
  });
}

// Save what an address answers: as a link would, but with the key.
export async function download(path, name) {
  const response = await persistently(() => fetch(path, { headers: authorization() }));
  const address = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
