// Look into a file before it is sent: its columns, their kinds, its first rows. What is
// shown is a first look; the service reads the file itself, and its word counts.

const HEAD_BYTES = 65536;
const ROWS = 5;
const DELIMITERS = [",", ";", "\t", "|"];
const TEXT = /\.(csv|tsv|tab|txt)$/i;
const LINES = /\.(jsonl|ndjson)$/i;

export const MEDIA_TYPES = [
  [/\.npy$/i, "application/x-npy"],
  [/\.npz$/i, "application/x-npz"],
  [/\.(parquet|pq)$/i, "application/vnd.apache.parquet"],
  [/\.(csv|txt)(\.gz)?$/i, "text/csv"],
  [/\.(tsv|tab)(\.gz)?$/i, "text/tab-separated-values"],
  [/\.(jsonl|ndjson)(\.gz)?$/i, "application/x-ndjson"],
  [/\.(arrow|feather|ipc)$/i, "application/vnd.apache.arrow.file"],
  [/\.arrows$/i, "application/vnd.apache.arrow.stream"],
];

export function mediaTypeOf(name) {
  return MEDIA_TYPES.find(([pattern]) => pattern.test(name))?.[1] ?? "";
}

// Return columns and rows, or null for what cannot be looked into here.
export async function preview(file) {
  const head = await file.slice(0, HEAD_BYTES).arrayBuffer();
  try {
    if (/\.npy$/i.test(file.name)) return previewNpy(head);
    if (TEXT.test(file.name)) return previewText(new TextDecoder().decode(head));
    if (LINES.test(file.name)) return previewLines(new TextDecoder().decode(head));
  } catch {
    return null; // then the service will say what is wrong
  }
  return null;
}

export function previewText(text) {
  const delimiter = delimiterOf(text.slice(0, text.indexOf("\n") + 1 || undefined));
  const lines = parse(text.replace(/^\uFEFF/, ""), delimiter, ROWS + 1);
  if (lines.length === 0) return null;
  const named = lines[0].some((cell) => cell !== "" && !isNumber(cell));
  const rows = lines.slice(named ? 1 : 0).slice(0, ROWS);
  const columns = lines[0].map((name, place) => ({
    name: named ? name || "(no name)" : `${place + 1}`,
    kind: kindOf(rows.map((row) => row[place] ?? "")),
  }));
  return { columns, rows, named };
}

// Rows of JSON, an object or a list a line.
function previewLines(text) {
  const lines = text.split("\n").filter(Boolean).slice(0, ROWS).map((line) => JSON.parse(line));
  const names = Object.keys(lines[0]);
  const rows = lines.map((line) => names.map((name) => String(line[name] ?? "")));
  const columns = names.map((name, place) => ({
    name: Array.isArray(lines[0]) ? `${place + 1}` : name,
    kind: kindOf(rows.map((row) => row[place])),
  }));
  return { columns, rows, named: !Array.isArray(lines[0]) };
}

const isNumber = (cell) => cell.trim() !== "" && Number.isFinite(Number(cell.replace(",", ".")));

function delimiterOf(line) {
  const counts = DELIMITERS.map((sign) => line.split(sign).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}

function parse(text, delimiter, most) {
  const lines = [];
  let line = [];
  let cell = "";
  let quoted = false;
  for (let place = 0; place < text.length && lines.length < most; place += 1) {
    const sign = text[place];
    if (sign === '"' && quoted && text[place + 1] === '"') {
      cell += text[(place += 1)];
    } else if (sign === '"') {
      quoted = !quoted;
    } else if (sign === delimiter && !quoted) {
      line.push(cell);
      cell = "";
    } else if (sign === "\n" && !quoted) {
      lines.push([...line, cell.replace(/\r$/, "")]);
      [line, cell] = [[], ""];
    } else {
      cell += sign;
    }
  }
  if (lines.length < most && (cell || line.length)) lines.push([...line, cell]);
  return lines.filter((cells) => cells.some((text) => text !== ""));
}

function kindOf(cells) {
  const given = cells.map((cell) => cell.trim()).filter((cell) => cell !== "");
  if (given.length === 0) return "empty";
  if (given.every(isNumber)) return "number";
  if (given.every((cell) => /^(true|false)$/i.test(cell))) return "boolean";
  return "text";
}

function previewNpy(head) {
  const view = new DataView(head);
  const long = view.getUint8(6) > 1;
  const start = long ? 12 : 10;
  const size = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(head.slice(start, start + size));
  const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(",").filter((part) => part.trim());
  const type = /'descr': '([^']*)'/.exec(header)[1];
  const width = shape.length > 1 ? Number(shape[1]) : 1;
  const columns = Array.from({ length: width }, (_, place) => ({
    name: `${place + 1}`,
    kind: "number",
  }));
  const ordered = /'fortran_order': False/.test(header);
  const rows = ordered ? npyRows(view, start + size, type, width) : [];
  return { columns, rows: rows.slice(0, Number(shape[0])), named: false };
}

function npyRows(view, start, type, width) {
  const readers = { "<f4": ["getFloat32", 4], "<f8": ["getFloat64", 8], "<i4": ["getInt32", 4] };
  if (!readers[type]) return [];
  const [read, bytes] = readers[type];
  const whole = Math.floor((view.byteLength - start) / (bytes * width));
  return Array.from({ length: Math.min(ROWS, whole) }, (_, row) =>
    Array.from({ length: width }, (_, column) =>
      Number(view[read](start + bytes * (row * width + column), true).toPrecision(6)),
    ),
  );
}
