// Uploads a model file in pieces, so that a lost connection costs one piece and not the whole.

const PIECE = 4 * 1024 * 1024;
const PATIENCE = 150_000; // milliseconds for a piece: a way that went dead tells nobody
const TRIES = 8;
const form = document.getElementById("upload-form");
const input = document.getElementById("file");
const bar = document.getElementById("upload-bar");
const words = document.getElementById("upload-words");
const stop = document.getElementById("upload-stop");
const start = form.querySelector("button");

let running = null;
form.hidden = false;

const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
// By its length and age another file of the same name is told apart.
const address = (file) => `/api/models/upload?name=${encodeURIComponent(file.name)}&mark=${file.size}-${file.lastModified}`;
const PASSING = ["upload_running", "wrong_offset"]; // the box has not noticed yet that a connection is gone

const limited = (signal) => AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
// What the browser throws itself when there is no connection is a TypeError.
const isLost = (error) => error instanceof Lost || error instanceof TypeError || error.name === "TimeoutError";

class Lost extends Error {}

async function problem(response) {
  try {
    const { code, detail } = await response.json();
    const error = response.status >= 500 || PASSING.includes(code) ? new Lost(detail) : new Error(detail);
    return Object.assign(error, { code });
  } catch {
    return new Lost(response.statusText);
  }
}

// How much of the file the box has already: an earlier try may have been broken off.
async function presentBytes(file, signal) {
  const response = await fetch(address(file), { signal: limited(signal) });
  if (!response.ok) throw await problem(response);
  return (await response.json()).received;
}

// An empty piece at the end asks the box to take in what it has.
async function sendPiece(file, from, signal) {
  const to = Math.min(from + PIECE, file.size);
  const place = to > from ? { "Content-Range": `bytes ${from}-${to - 1}/${file.size}` } : {};
  const response = await fetch(`${address(file)}&offset=${from}`, {
    method: "POST",
    body: file.slice(from, to),
    headers: { "Content-Type": "application/octet-stream", ...place },
    signal: limited(signal),
  });
  if (!response.ok) throw await problem(response);
  return response.json();
}

async function upload(file, signal) {
  let failures = 0;
  let from = 0;
  for (let model = null; !model;) {
    try {
      if (failures || from === 0) from = await presentBytes(file, signal);
      ({ received: from, model } = await sendPiece(file, from, signal));
      failures = 0;
      words.textContent = `${Math.round((100 * from) / file.size)} % sent`;
    } catch (error) {
      if (failures && error.code === "file_exists") return; // only the answer to the last piece was lost
      if (!isLost(error) || ++failures > TRIES) throw error;
      words.textContent = "The connection was lost; trying again.";
      await pause(Math.min(2 ** failures, 20));
    }
    bar.value = from / file.size;
  }
}

function busy(on) {
  start.hidden = on;
  stop.hidden = !on;
  bar.hidden = !on;
  input.disabled = on;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [file] = input.files;
  if (!file) return;
  running = new AbortController();
  busy(true);
  try {
    await upload(file, running.signal);
    words.textContent = `${file.name} is here. It appears in the list above in a moment.`;
    form.reset();
  } catch (error) {
    words.textContent = error.name === "AbortError" ? "Stopped. The same file goes on from here when you upload it again." : error.message;
  } finally {
    busy(false);
    running = null;
  }
});
stop.addEventListener("click", () => running?.abort());
window.addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });
