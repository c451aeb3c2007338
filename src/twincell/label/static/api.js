// Talking to the server. What a person does goes through the outbox: kept in the browser until the server has it on disk.
import { key } from "./dom.js";

export class Problem extends Error {}

async function told(response) {
  if (response.ok) return response.json();
  let problems = [`the server answered ${response.status}`];
  try {
    problems = (await response.json()).problems ?? problems;
  } catch { /* a refusal in plain words */ }
  const problem = new Problem(problems.join(" "));
  problem.status = response.status;
  throw problem;
}

export const me = () => localStorage.getItem("twincell.person") || "";

export function get(path, query = {}) {
  const asked = new URLSearchParams({ person: me(), ...query });
  return fetch(`api/${path}?${asked}`).then(told);
}

export function post(path, body = {}) {
  return fetch(`api/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-twincell": "1" },
    body: JSON.stringify(body),
  }).then(told);
}

const AT_ONCE = 100;
const PREFIX = "twincell.outbox.";

/** Deeds on their way. Each has a key of its own: sent twice, it is kept once. */
class Outbox {
  constructor() {
    this.place = PREFIX + key();
    this.waiting = [];
    this.sending = false;
    this.listeners = new Set();
    // What another tab, or this one before it was closed, could not send any more.
    for (const name of Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))) {
      try {
        this.waiting.push(...JSON.parse(localStorage.getItem(name)));
      } catch { /* cut short: nothing whole to send */ }
      localStorage.removeItem(name);
    }
    if (this.waiting.length) setTimeout(() => this.flush(), 0);
    addEventListener("beforeunload", (event) => { if (this.waiting.length) event.preventDefault(); });
    addEventListener("online", () => this.flush());
  }

  /** Send a deed; the promise gives the frame's answer once it is on the disk. */
  send(deed) {
    const entry = { person: me(), deed: { key: key(), ...deed } };
    const done = new Promise((resolve, reject) => Object.defineProperty(entry, "settle", { value: { resolve, reject } }));
    done.catch(() => {});
    this.waiting.push(entry);
    this.keep();
    this.flush();
    return done;
  }

  pending(row) {
    return this.waiting.some((entry) => entry.deed.row === row);
  }

  keep() {
    if (this.waiting.length) localStorage.setItem(this.place, JSON.stringify(this.waiting));
    else localStorage.removeItem(this.place);
    this.listeners.forEach((listener) => listener(this.waiting.length, this.failing));
  }

  async flush() {
    if (this.sending) return;
    this.sending = true;
    while (this.waiting.length) {
      const person = this.waiting[0].person;
      const batch = this.waiting.filter((entry) => entry.person === person).slice(0, AT_ONCE);
      try {
        const answer = await post("deeds", { person, deeds: batch.map((entry) => entry.deed) });
        this.failing = false;
        this.drop(batch);
        for (const entry of batch) entry.settle?.resolve(answer.answers[`${entry.deed.row}.${entry.deed.round ?? 0}`]);
      } catch (problem) {
        if (problem.status === 400 || problem.status === 404) {
          // One of them cannot be kept: each by itself, so that the others are.
          if (batch.length > 1) { await this.one(batch); continue; }
          this.drop(batch);
          batch[0].settle?.reject(problem);
          dispatchEvent(new CustomEvent("refused", { detail: problem.message }));
          continue;
        }
        this.failing = true;
        this.keep();
        await new Promise((wake) => setTimeout(wake, 1000));
      }
    }
    this.sending = false;
  }

  async one(batch) {
    for (const entry of batch) {
      try {
        const answer = await post("deeds", { person: entry.person, deeds: [entry.deed] });
        entry.settle?.resolve(answer.answers[`${entry.deed.row}.${entry.deed.round ?? 0}`]);
      } catch (problem) {
        if (problem.status !== 400 && problem.status !== 404) return;
        entry.settle?.reject(problem);
        dispatchEvent(new CustomEvent("refused", { detail: problem.message }));
      }
      this.drop([entry]);
    }
  }

  drop(batch) {
    this.waiting = this.waiting.filter((entry) => !batch.includes(entry));
    this.keep();
  }
}

export const outbox = new Outbox();

// Images are kept by the browser as long as this server runs: the same number may be another image later.
let stamp = "";
export const seen = (state) => { stamp = state.stamp; };
export const small = (row) => `small/${row}.jpg?v=${stamp}`;

const pictures = new Map();
const KEPT = 60;

/** The grey levels of a frame, decoded; kept for the frames around. */
export function picture(row) {
  if (!pictures.has(row)) {
    const made = fetch(`image/${row}.png?v=${stamp}`).then(async (response) => {
      if (!response.ok) await told(response);
      const bitmap = await createImageBitmap(await response.blob());
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(bitmap, 0, 0);
      const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
      const grey = new Uint8ClampedArray(bitmap.width * bitmap.height);
      for (let i = 0; i < grey.length; i += 1) grey[i] = pixels.data[4 * i];
      return { width: bitmap.width, height: bitmap.height, grey };
    });
    made.catch(() => pictures.delete(row));
    pictures.set(row, made);
    if (pictures.size > KEPT) pictures.delete(pictures.keys().next().value);
  }
  return pictures.get(row);
}
