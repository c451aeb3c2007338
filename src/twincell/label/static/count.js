// Counting: one frame large, the frames around it, the answer.
import { get, outbox, picture, small } from "./api.js";
import { h, number, plural, say, toast } from "./dom.js";
import { keyed, showKeys } from "./keys.js";
import { Panel } from "./panel.js";
import { Stage } from "./stage.js";

const AHEAD = 3; // frames fetched before they are asked for
const AROUND = 6; // frames of the strip on either side

export class Count {
  constructor(root, app) {
    Object.assign(this, { root, app, upcoming: [], history: [], series: null, shown: {} });
    this.build();
  }

  build() {
    const canvas = h("canvas", { tabindex: 0, role: "img", "aria-label": "the frame" });
    this.title = h("h1.title");
    this.note = h("div.note", { hidden: true });
    this.levels = this.contrast();
    this.pick = h("select.pick", { "aria-label": "Chamber", onchange: (event) => this.chamber(+event.target.value) });
    const tool = (name, hint, act, pressed) => h("button", { type: "button", title: hint, onclick: act, "aria-pressed": pressed }, name);
    this.contrastButton = tool("Contrast", "Grey levels (A: automatic, I: inverted)", () => this.toggleLevels(), "false");
    this.list = h("ol");
    this.strip = h("nav.strip", { "aria-label": "Frames around" });
    this.search = h("input", { type: "search", placeholder: "Chamber", "aria-label": "Find a chamber", oninput: () => this.drawList() });
    this.panel = new Panel(this);
    this.root.replaceChildren(h("div.count", {},
      h("nav.list", { "aria-label": "Chambers" }, this.search, this.list),
      h("section.stage", { "aria-label": "Frame" }, canvas,
        h("div.tools", {}, this.title, this.pick, h("span.spacer"), this.contrastButton,
          tool("Fit", "Whole frame (F)", () => this.stage.fit()),
          tool("+", "Larger (+)", () => this.stage.scale(1.4)), tool("−", "Smaller (-)", () => this.stage.scale(1 / 1.4))),
        this.levels, this.note),
      this.strip, h("aside.side", { "aria-label": "Answer" }, this.panel.element)));
    this.stage = new Stage(canvas, (kind, dot) => this.dotted(kind, dot));
  }

  contrast() {
    const slide = (name, set, value, most, step) => h("label", {}, name, h("input", {
      type: "range", min: step, max: most, step, value, "aria-label": name,
      oninput: (event) => { set(+event.target.value); this.stage.levels(); } }));
    return h("div.levels", { hidden: true },
      slide("Darkest", (v) => { this.stage.low = v; }, 0, 254, 1), slide("Brightest", (v) => { this.stage.high = v; }, 255, 255, 1),
      slide("Middle", (v) => { this.stage.gamma = 1 / v; }, 1, 3, 0.05),
      h("button", { type: "button", onclick: () => this.auto() }, "Automatic ", h("kbd", {}, "A")));
  }

  toggleLevels() {
    this.levels.hidden = !this.levels.hidden;
    this.contrastButton.setAttribute("aria-pressed", String(!this.levels.hidden));
  }

  auto() {
    this.stage.auto();
    const [low, high, gamma] = this.levels.querySelectorAll("input");
    Object.assign(low, { value: this.stage.low });
    Object.assign(high, { value: this.stage.high });
    Object.assign(gamma, { value: 1 });
  }

  // -- which frame ---------------------------------------------------------------------------------

  /** What the address says: a frame, or the next one asked for. */
  async open(parts) {
    this.refresh();
    if (parts.length && /^\d+$/.test(parts[0])) await this.go(+parts[0], +(parts[1] ?? 0), true);
    else await this.next();
  }

  async go(row, round = 0, linked = false) {
    const started = performance.now();
    this.leaving = row;
    try {
      // Mostly both are here already. What is known of the frame may have changed since: it is asked for once more.
      const ready = this.upcoming.find((next) => next.row === row && next.round === round)?.frame;
      if (ready) get(`frame/${row}`, { round }).then((frame) => this.anew(frame), () => {});
      const [frame, image] = await Promise.all([ready ?? get(`frame/${row}`, { round }), picture(row)]);
      if (this.leaving !== row) return; // another one was asked for meanwhile
      this.show(frame, image);
    } catch (problem) {
      toast(problem.message, true);
      return;
    }
    if (!linked) history.replaceState(null, "", `#/count/${row}${round ? `/${round}` : ""}`);
    this.app.measured = performance.now() - started;
    performance.measure("frame", { start: started, end: performance.now() });
  }

  show(frame, image) {
    this.frame = frame;
    this.began = performance.now();
    Object.assign(this.stage, { seen: [], theirs: [] });
    this.take(frame.answer);
    // Grey levels are spread once for a chamber and then stay, so that its frames can be compared.
    const spread = this.levelled !== frame.series;
    this.levelled = frame.series;
    this.stage.show(image, frame.name);
    if (spread) this.auto();
    const hours = frame.hours === null ? "" : `, ${number(frame.hours, 2)} h`;
    this.title.replaceChildren(frame.chamber, h("span", {}, `  frame ${frame.frame}${hours}`));
    this.shown = {};
    this.haunt(frame);
    this.stage.canvas.setAttribute("aria-label", `${frame.name}, ${plural(frame.answer.cells, "dot")}`);
    this.panel.frame();
    this.drawStrip();
    if (this.series?.number !== frame.series) this.loadSeries(frame.series);
    this.drawList();
    this.ahead();
    say(frame.name);
  }

  /** Faint rings where the person's cells of an earlier frame were. */
  haunt({ ghost, series }) {
    Object.assign(this.shown, { last: Boolean(ghost) && this.stage.showGhost, curve: this.app.saw.has(series) });
    this.stage.ghost = ghost?.dots ?? [];
    this.note.hidden = !ghost;
    if (ghost) this.note.textContent = `faint rings: your ${plural(ghost.dots.length, "cell")} of frame ${ghost.frame} (C takes them over)`;
  }

  /** The frame that is shown, as it is known now; nothing that the person is doing is touched. */
  anew(frame) {
    if (this.frame?.row !== frame.row || this.frame.round !== frame.round) return;
    this.frame = frame;
    this.haunt(frame);
    if (!outbox.pending(frame.row) && !this.stage.held) this.take(frame.answer);
  }

  /** Take an answer as the server knows it. */
  take(answer) {
    this.answer = answer;
    this.stage.dots = answer.dots.map((dot) => ({ ...dot }));
    if (!this.stage.dots.some((dot) => dot.id === this.stage.chosen)) this.stage.chosen = null;
    this.stage.draw();
    this.panel.answer();
  }

  async next() {
    await this.ahead();
    const next = this.upcoming.shift();
    if (!next) { toast("Every frame is answered."); if (!this.frame) await this.go(this.app.first()); return; }
    this.history.push(this.frame?.row);
    this.upcoming.unshift(next);
    await this.go(next.row, next.round);
    this.upcoming.shift();
    this.ahead();
  }

  /** Have the next frames ready before they are asked for. */
  async ahead() {
    if (this.upcoming.length >= AHEAD || this.fetching) return this.fetching;
    this.fetching = (async () => {
      // Those just left, too: their answers may still be on the way to the disk.
      const avoid = [...this.upcoming.map((next) => next.row), this.frame?.row, ...this.history.slice(-5)].filter((row) => row !== undefined);
      const only = this.only === undefined ? {} : { series: this.only };
      const found = await get("next", { n: AHEAD - this.upcoming.length, avoid: avoid.join(","), ...only });
      for (const next of found) {
        next.frame = get(`frame/${next.row}`, { round: next.round });
        next.frame.catch(() => {});
        picture(next.row).catch(() => {});
        this.upcoming.push(next);
      }
    })().catch((problem) => toast(problem.message, true));
    await this.fetching;
    this.fetching = null;
  }

  beside(by) {
    if (!this.series || !this.frame) return;
    const place = Math.min(Math.max(this.frame.place + by, 0), this.series.n - 1);
    if (place !== this.frame.place) this.go(this.row(place));
  }

  row(place) {
    return this.series.rows ? this.series.rows[place] : this.series.start + place;
  }

  async loadSeries(number_) {
    this.series = await get(`series/${number_}`);
    this.drawStrip();
    for (const by of [1, -1]) {
      const place = this.frame.place + by;
      if (place >= 0 && place < this.series.n) picture(this.row(place)).catch(() => {});
    }
  }

  chamber(number_) {
    this.only = this.only === number_ ? undefined : number_;
    this.upcoming = [];
    this.next();
  }

  // -- what a person does --------------------------------------------------------------------------

  send(deed) {
    const { row, round } = this.frame;
    const seconds = (performance.now() - this.began) / 1000;
    const done = outbox.send({ row, round, seconds: Math.round(seconds * 100) / 100, shown: this.shown, ...deed });
    done.then((answer) => {
      const own = this.frame.row === row && this.frame.round === round;
      if (own && !outbox.pending(row) && !this.stage.held) this.take(answer);
      this.marked(row, answer);
    }, () => this.go(row, round));
    return done;
  }

  marked(row, answer) {
    const place = this.series?.rows ? this.series.rows.indexOf(row) : row - (this.series?.start ?? 0);
    if (this.series && place >= 0 && place < this.series.n && (this.frame.round === 0 || this.frame.row !== row)) {
      const draft = answer.status === "open" && (answer.number !== null || answer.dots.length);
      this.series.done[place] = [draft ? "draft" : answer.status, answer.count];
      this.drawStrip();
    }
    this.app.stale();
  }

  dotted(kind, dot) {
    this.answer.number = null;
    this.answer.dots = this.stage.dots;
    this.panel.answer();
    this.send({ kind, dot: { ...dot } });
  }

  typed(value) {
    if (value !== null && value > 99999) return;
    this.answer.number = value;
    this.panel.answer();
    this.send({ kind: "number", number: value });
  }

  digit(digit) {
    const before = this.answer.status === "open" ? this.answer.number : null;
    this.typed(before === null ? digit : before * 10 + digit);
  }

  back() {
    if (this.stage.one) this.stage.remove(this.stage.one);
    else if (this.answer.number !== null) this.typed(this.answer.number < 10 ? null : Math.floor(this.answer.number / 10));
  }

  /** The answer is finished: on to the next frame, or stay and compare. */
  finish(status = "done") {
    const empty = this.answer.number === null && !this.stage.dots.length;
    if (empty && status !== "skipped") { toast("No dot and no number yet: type 0 for a chamber without cells."); return; }
    this.answer.status = status;
    const { row, round } = this.frame;
    const done = this.send({ kind: "status", status });
    if (!this.panel.compare.checked || status === "skipped") { this.next(); return; }
    done.then(async () => {
      const frame = await get(`frame/${row}`, { round });
      if (this.frame.row === row) { this.frame = frame; this.take(frame.answer); this.reveal(false); }
    });
  }

  carry() {
    for (const [x, y, label] of this.frame.ghost?.dots ?? []) {
      if (!this.stage.nearest(x, y, 1)) this.stage.set(x, y, label);
    }
  }

  /** Show what the model sees; what was shown is kept with everything done after. */
  async reveal(asked = true) {
    const row = this.frame.row;
    const seen = await get(`look/${row}`).catch((problem) => toast(problem.message, true));
    if (!seen || this.frame.row !== row) return;
    if (seen.count === null || seen.count === undefined) { toast("No model has counted this frame yet."); return; }
    this.shown = { ...this.shown, model: true, asked: asked && this.answer.status === "open", count: seen.count };
    this.stage.seen = seen.dots ?? [];
    this.stage.theirs = (this.frame.others ?? []).flatMap((other) => other.dots);
    this.stage.draw();
    this.panel.said(seen);
  }

  keyed(event) {
    keyed(this, event);
  }

  // -- lists ---------------------------------------------------------------------------------------

  refresh() {
    this.drawList();
  }

  drawList() {
    const wanted = this.search.value.toLowerCase();
    const all = this.app.state.series.filter((one) => one.name.toLowerCase().includes(wanted));
    this.list.replaceChildren(...all.map((one) => h("li", {}, h("button", {
      type: "button", "aria-current": this.frame?.series === one.number ? "true" : null, title: one.name,
      onclick: () => this.chamber(one.number) },
      h("span.name", {}, one.name), h("span.n", {}, `${one.known} of ${one.frames}`),
      h("span.track", {}, bar(one.known / Math.min(one.frames, 10)))))));
    const options = [h("option", { value: -1 }, this.only === undefined ? "All chambers" : "This chamber"), ...all.map((one) => h("option", { value: one.number, selected: this.only === one.number }, one.name))];
    this.pick.replaceChildren(...options);
  }

  drawStrip() {
    if (!this.series || !this.frame || this.series.number !== this.frame.series) return;
    const wide = Math.max(1, Math.floor((this.strip.clientWidth - 16) / 76));
    const half = Math.min(AROUND, Math.floor((wide - 1) / 2));
    const last = this.series.n - 1;
    const first = Math.max(0, Math.min(this.frame.place - half, last - 2 * half));
    const places = [];
    for (let place = first; place <= Math.min(first + 2 * half, last); place += 1) places.push(place);
    this.strip.replaceChildren(...places.map((place) => {
      const [status, count] = this.series.done[place] ?? [];
      const name = this.series.frames ? this.series.frames[place] : place + 1;
      const mark = status === "draft" ? h("span.mark.draft", { title: "not finished" }, "…") : status === "skipped" ? h("span.mark.draft", {}, "skipped")
        : count !== undefined && count !== null ? h("span.mark", {}, `${count}${status === "unsure" ? "?" : ""}`) : null;
      return h("button", { type: "button", onclick: () => this.go(this.row(place)),
        "aria-current": place === this.frame.place ? "true" : null, "aria-label": `frame ${name}${count === undefined || count === null ? "" : `, ${count}`}` },
      h("img", { src: small(this.row(place)), alt: "", loading: "lazy" }), mark, String(name));
    }));
  }

  help() {
    showKeys();
  }
}

function bar(share) {
  const i = h("i");
  i.style.width = `${Math.min(share, 1) * 100}%`;
  return i;
}



