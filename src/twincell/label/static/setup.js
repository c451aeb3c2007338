// From images to a data set: what they are, and where the chambers lie.
import { get, post } from "./api.js";
import { $, h, number, plural, s, toast } from "./dom.js";

const LOOK = 700;
const LEAST = 12; // px to a side of a box that is drawn

export class Setup {
  constructor(root, app, state) {
    Object.assign(this, { root, app, state, boxes: null, at: 0, one: null });
    document.title = "twincell: what are these images?";
    this.draw();
    this.follow();
  }

  async follow() {
    for (;;) {
      await new Promise((wake) => setTimeout(wake, LOOK));
      let state;
      try { state = await get("setup"); } catch { continue; }
      if (state.phase === "ready") { location.hash = "#/count"; location.reload(); return; }
      const changed = state.phase !== this.state.phase || state.job?.line !== this.state.job?.line || state.job?.share !== this.state.job?.share;
      const failed = state.job?.state === "failed" && this.state.job?.state === "running";
      this.state = state;
      if (failed) toast(state.job.line, true, 12);
      if (changed) this.draw();
    }
  }

  draw() {
    const { phase, job } = this.state;
    if (phase === "ask") { if (!$("form", this.root)) this.ask(); }
    else if (phase === "boxes") { if (!this.boxes) this.chambers(); }
    else {
      this.boxes = null;
      this.root.replaceChildren(h("div.page", {}, h("h1", {}, job.title), h("p.lead", {}, job.line), h("progress", { max: 1, value: job.share ?? undefined, "aria-label": job.title })));
    }
  }

  // -- questions -----------------------------------------------------------------------------------

  ask() {
    const { facts } = this.state;
    const radio = (name, value, text, on) => h("label", {}, h("input", { type: "radio", name, value, checked: on }), text);
    const own = h("input", { type: "text", maxlength: 60, placeholder: "your own word", "aria-label": "another kind of image", oninput: () => { own.previousSibling.checked = true; } });
    const minutes = h("input", { type: "number", min: 0, step: "any", value: facts.minutes ?? "", "aria-label": "minutes between two frames" });
    const chosen = facts.modality;
    const kind = (value, text) => radio("kind", value, text, chosen === value);
    const form = h("form", { onsubmit: async (event) => {
      event.preventDefault();
      const said = new FormData(form);
      const modality = said.get("kind") === "own" ? own.value : said.get("kind");
      if (!modality) { toast("Say first what the images are.", true); return; }
      await this.send("words", { modality, minutes: minutes.value ? +minutes.value : null, fields: said.get("fields") === "yes" });
    } },
    h("fieldset", {}, h("legend", {}, "The images are"), kind("bf", "bright field"), kind("pc", "phase contrast"), h("label", {}, h("input", { type: "radio", name: "kind", value: "own", checked: chosen && !["bf", "pc"].includes(chosen) }), own)),
    h("fieldset", {}, h("legend", {}, "They show"), radio("fields", "yes", "whole fields of view: find the chambers in them", facts.fields), radio("fields", "no", "what is to be counted, as they are", !facts.fields)),
    facts.alone || facts.timed ? null : h("label.stack", {}, "Minutes between two frames (blank where not known)", minutes),
    h("p", {}, h("button.main", {}, "Go on")));
    const what = `${plural(facts.recordings, "recording")}, ${plural(facts.frames, "image")}, ${facts.width} x ${facts.height} px`;
    this.root.replaceChildren(h("div.page", {}, h("div.head", {}, h("h1", {}, facts.input), h("span.soft", {}, what)), h("div.ask", {}, h("div.card", {}, form), h("img", { src: "first.png", alt: "the first frame" }))));
  }

  async send(step, body = {}) {
    try {
      const { ready } = await post(`setup/${step}`, body);
      if (ready) { location.hash = "#/count"; location.reload(); return; }
      this.state = await get("setup");
      this.boxes = null;
      this.draw();
    } catch (problem) {
      toast(problem.message, true, 9);
    }
  }

  // -- chambers ------------------------------------------------------------------------------------

  chambers() {
    const { positions } = this.state;
    this.boxes = positions.map((position) => position.boxes.map((box) => [...box]));
    this.board = h("div.board", {});
    this.count = h("span.soft", {});
    const pick = h("select", { "aria-label": "Position", onchange: (event) => { this.at = +event.target.value; this.one = null; this.paint(); } }, positions.map((position, i) => h("option", { value: i }, position.name)));
    const go = () => this.send("boxes", { boxes: Object.fromEntries(positions.map((position, i) => [position.name, this.boxes[i]])) });
    this.root.replaceChildren(h("div.page", {}, h("div.head", {}, h("h1", {}, "Chambers"), positions.length > 1 ? pick : null, this.count, h("span.grow", {}),
      h("button", { type: "button", onclick: () => this.send("back") }, "Back"), h("button", { type: "button", onclick: () => this.same() }, "Same size for all"),
      h("button", { type: "button", onclick: () => this.away() }, "Take away ", h("kbd", {}, "Del")), h("button.main", { type: "button", onclick: go }, "Cut out and count")),
    h("p.lead", {}, "These chambers were found in the first frame. Drag on empty ground to draw one, drag a box to move it, its corner to size it. A box goes around a chamber's walls."), this.board));
    this.app.page = this;
    this.paint();
  }

  paint() {
    const position = this.state.positions[this.at];
    const boxes = this.boxes[this.at];
    this.svg = s("svg", { viewBox: `0 0 ${position.width} ${position.height}`, role: "group", "aria-label": `chambers of ${position.name}` },
      s("image", { href: `position/${this.at}.png`, width: position.width, height: position.height }));
    boxes.forEach((box, i) => this.svg.append(...this.box(box, i, position)));
    this.svg.addEventListener("pointerdown", (event) => this.down(event));
    this.svg.addEventListener("pointermove", (event) => this.move(event));
    this.svg.addEventListener("pointerup", () => { if (this.held) { this.held = null; this.clean(); this.paint(); } });
    this.board.replaceChildren(this.svg);
    this.count.textContent = boxes.length ? plural(boxes.length, "chamber") : position.problem || "none found: draw them";
  }

  box([x, y, width, height], i, position) {
    const on = i === this.one;
    const grip = Math.max(position.width / 90, 6);
    const shown = [s("rect", { class: on ? "box on" : "box", x, y, width, height, "data-i": i, tabindex: 0, role: "button", "aria-label": `chamber ${i + 1}, ${number(width, 0)} by ${number(height, 0)} px`, onfocus: () => { if (this.one !== i) { this.one = i; this.paint(); this.svg.querySelector(`[data-i="${i}"]`).focus(); } } }),
      s("text", { x: x + 6, y: y + 18 }, String(i + 1))];
    if (on) shown.push(s("rect", { class: "grip", x: x + width - grip, y: y + height - grip, width: grip, height: grip, "data-grip": i }));
    return shown;
  }

  place(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [at.x, at.y];
  }

  down(event) {
    event.preventDefault();
    const [x, y] = this.place(event);
    const { i, grip } = event.target.dataset;
    const boxes = this.boxes[this.at];
    if (grip !== undefined) this.held = { size: boxes[+grip] };
    else if (i !== undefined) { this.one = +i; this.held = { box: boxes[+i], dx: x - boxes[+i][0], dy: y - boxes[+i][1] }; }
    else {
      boxes.push([x, y, 1, 1]);
      this.one = boxes.length - 1;
      this.held = { size: boxes.at(-1) };
    }
    this.paint();
    this.svg.setPointerCapture(event.pointerId);
  }

  move(event) {
    if (!this.held) return;
    const [x, y] = this.place(event);
    const { box, size } = this.held;
    if (box) [box[0], box[1]] = [x - this.held.dx, y - this.held.dy];
    if (size) [size[2], size[3]] = [Math.max(x - size[0], 1), Math.max(y - size[1], 1)];
    const shown = this.svg.querySelector(`[data-i="${this.one}"]`);
    const now = box ?? size;
    ["x", "y", "width", "height"].forEach((name, k) => shown.setAttribute(name, now[k]));
  }

  /** What is too small to be a chamber was a slip of the hand. */
  clean() {
    const boxes = this.boxes[this.at];
    this.boxes[this.at] = boxes.filter((box) => box[2] >= LEAST && box[3] >= LEAST).map((box) => box.map((side) => Math.round(side * 10) / 10));
    if (this.boxes[this.at].length <= this.one) this.one = null;
  }

  same() {
    const model = this.boxes[this.at][this.one ?? 0];
    if (!model) return;
    for (const box of this.boxes[this.at]) {
      [box[0], box[1]] = [box[0] + (box[2] - model[2]) / 2, box[1] + (box[3] - model[3]) / 2];
      [box[2], box[3]] = [model[2], model[3]];
    }
    this.paint();
  }

  away() {
    if (this.one === null) return;
    this.boxes[this.at].splice(this.one, 1);
    this.one = null;
    this.paint();
  }

  keyed(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const box = this.boxes?.[this.at][this.one];
    if (event.key === "Delete" || event.key === "Backspace") this.away();
    else if (by && box) {
      const far = event.shiftKey ? 2 : 0; // with shift the size changes
      box[far] += by[0];
      box[far + 1] += by[1];
      this.paint();
      this.svg.querySelector(`[data-i="${this.one}"]`).focus();
    } else return;
    event.preventDefault();
  }
}
