// The answer beside the frame: the number, the words for dots, what others say once it is finished.
import { outbox } from "./api.js";
import { h, number } from "./dom.js";
import { WORDS, colour } from "./stage.js";

const HINT = [
  "A cell that divides is one until a dark line parts it in two; from then on it is two. Mark it dividing while it is one.",
  "A cell cut by the edge or a wall counts where more than half of it is in view. Dead cells count and are marked; dirt does not.",
];

export class Panel {
  constructor(count) {
    this.count = count;
    this.big = h("div.big", { "aria-live": "polite" }, "–");
    this.how = h("div.how");
    this.dots = h("ul.dots");
    this.compare = h("input", { type: "checkbox", onchange: () => localStorage.setItem("twincell.compare", this.compare.checked ? "1" : "") });
    this.compare.checked = Boolean(localStorage.getItem("twincell.compare"));
    this.words = h("div.words", { role: "group", "aria-label": "What the dot is" }, WORDS.map((word) => this.word(word)));
    this.told = h("dl.said");
    const act = (name, key, deed, kind = "button") => h(kind, { type: "button", onclick: deed }, name, h("kbd", {}, key));
    this.undo = act("Undo", "Z", () => count.send({ kind: "undo" }));
    this.redo = act("Redo", "Y", () => count.send({ kind: "redo" }));
    this.show = act("Show the model's", "M", () => count.reveal());
    this.done = h("button.main", { type: "button", onclick: () => (count.answer.status === "open" ? count.finish() : count.next()) });
    this.element = h("div", { style: null });
    this.element.className = "side-in";
    this.element.append(
      h("div.answer", {}, this.big, this.how),
      h("div.acts", {}, this.done, act("Unsure", "⇧↵", () => count.finish("unsure")), act("Skip", "S", () => count.finish("skipped")), this.undo, this.redo),
      h("section", {}, h("h2", {}, "This dot is"), this.words),
      h("section", {}, h("h2", {}, "Dots"), this.dots),
      h("section", {}, this.show, h("p.small.soft", {}, "The model's count stays hidden until you have given yours. What you saw is kept with your answer."),
        h("label.small", {}, this.compare, "Compare after each frame"), this.told),
      h("details", { open: true }, h("summary", {}, "What counts as one"), HINT.map((text) => h("p", {}, text))));
  }

  word(word) {
    const mark = h("i");
    mark.style.borderColor = word.colour;
    return h("button", { type: "button", "data-label": word.label, onclick: () => {
      const { stage } = this.count;
      if (stage.one) stage.name_it(word.label);
      else stage.label = word.label;
      this.answer();
    } }, mark, word.name, h("kbd", {}, word.key.toUpperCase()));
  }

  frame() {
    this.told.replaceChildren();
    this.show.hidden = false;
  }

  answer() {
    const { answer, stage } = this.count;
    const cells = stage.dots.filter((dot) => dot.label !== "not a cell").length;
    const value = answer.number ?? (stage.dots.length ? cells : null);
    this.big.textContent = value ?? "–";
    this.big.classList.toggle("none", value === null);
    this.how.replaceChildren(
      answer.number !== null && stage.dots.length ? `typed; ${cells} by dots` : answer.number !== null ? "typed" : stage.dots.length ? "by dots" : "click cells, or type their number",
      answer.status === "open" ? "" : h("div", {}, h("span.chip.done", {}, answer.status)));
    const open = answer.status === "open";
    this.done.replaceChildren(open ? "Done, next" : "Next frame", h("kbd", {}, open ? "↵" : "N"));
    this.undo.disabled = !(answer.undo || outbox.pending(this.count.frame?.row));
    this.redo.disabled = !answer.redo;
    const chosen = stage.one ? stage.one.label : stage.label;
    for (const button of this.words.children) button.setAttribute("aria-pressed", String(button.dataset.label === chosen));
    this.dots.replaceChildren(...stage.dots.map((dot, i) => {
      const button = h("button", { type: "button", "aria-pressed": String(dot.id === stage.chosen), "aria-label": `dot ${i + 1}, ${dot.label || "living"}`,
        onclick: () => { stage.choose(dot); this.answer(); } }, String(i + 1));
      button.style.borderBottom = `3px solid ${colour(dot.label)}`;
      return h("li", {}, button);
    }));
    if (!stage.dots.length) this.dots.replaceChildren(h("li.small.soft", {}, "none yet"));
  }

  /** What the model and the others say. */
  said(seen) {
    const rows = [["Model, this frame", number(seen.count_frame)], ["Model, whole series", `${number(seen.count)} (${number(seen.lower, 0)} to ${number(seen.upper, 0)})`]];
    for (const other of this.count.frame.others ?? []) rows.push([other.person, String(other.count)]);
    this.told.replaceChildren(...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
    if (seen.flag) this.told.append(h("dt", {}, "Flag"), h("dd", {}, seen.flag));
  }
}
