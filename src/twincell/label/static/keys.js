// Counting by keyboard: what each key does, and the page that lists them.
import { me } from "./api.js";
import { dialog, h } from "./dom.js";
import { WORDS } from "./stage.js";

/** Do what a key means on the page of counting. */
export function keyed(page, event) {
  if (event.ctrlKey || event.metaKey) {
    const undo = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[event.key.toLowerCase()];
    if (undo) { event.preventDefault(); page.send({ kind: undo }); }
    return;
  }
  const word = WORDS.find((one) => one.key === event.key.toLowerCase());
  const [stage, far] = [page.stage, event.shiftKey ? 10 : 1];
  const aimed = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
  const act = {
    Enter: () => (page.answer.status === "open" || event.shiftKey ? page.finish(event.shiftKey ? "unsure" : "done") : page.next()), Backspace: () => page.back(), Delete: () => page.back(),
    ArrowLeft: () => page.beside(-far), ArrowRight: () => page.beside(far), n: () => page.next(), s: () => page.finish("skipped"),
    z: () => page.send({ kind: "undo" }), y: () => page.send({ kind: "redo" }), c: () => page.carry(),
    g: () => { stage.showGhost = !stage.showGhost; stage.draw(); }, m: () => page.reveal(), a: () => page.auto(),
    i: () => { stage.inverted = !stage.inverted; stage.levels(); }, f: () => stage.fit(), "+": () => stage.scale(1.4),
    "-": () => stage.scale(1 / 1.4), p: () => stage.aim(!stage.cross), Escape: () => { stage.aim(false); stage.choose(null); },
    ArrowUp: () => stage.step(-1), ArrowDown: () => stage.step(1),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (stage.cross && aimed) stage.nudge(...aimed);
  else if (stage.cross && event.key === " ") { const dot = stage.nearest(...stage.cross); if (dot) stage.remove(dot); else stage.set(...stage.cross); }
  else if (/^\d$/.test(event.key)) page.digit(+event.key);
  else if (word) { stage.label = stage.one ? stage.label : word.label; stage.name_it(word.label); page.panel.answer(); }
  else if (act) act();
  else return;
  event.preventDefault();
}

/** The list of keys. */
export function showKeys() {
  const keys = [["0–9", "number of cells"], ["Enter", "done, next frame"], ["Shift Enter", "done, but unsure"], ["S", "skip"], ["N", "next asked frame"],
    ["← →", "frame before, after"], ["click", "set a dot"], ["drag", "move a dot"], ["Del", "take away dot or digit"], ["right click", "take a dot away"],
    ["Z / Y", "undo, redo"], ["↑ ↓", "choose a dot"], ...WORDS.map((word) => [word.key.toUpperCase(), word.name]), ["C", "carry on from faint rings"],
    ["G", "faint rings on, off"], ["P", "crosshair: arrows, space"], ["M", "show the model's"], ["A / I", "contrast, inverted"], ["+ − F", "zoom, fit"], ["Shift drag", "move the image"]];
  dialog("Keys", h("p.lead", {}, `You are ${me()}. The model's count is hidden until you have given yours, or ask with M.`),
    h("ul.keys", {}, keys.map(([one, what]) => h("li", {}, h("span", {}, what), h("kbd", {}, one)))),
    h("form", { method: "dialog" }, h("button.main", {}, "Close")));
}
