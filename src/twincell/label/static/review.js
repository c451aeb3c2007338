// Review: many small frames, the doubtful ones first; accept at a glance, open one to correct it.
import { get, outbox, small } from "./api.js";
import { h, number, plural, toast } from "./dom.js";

export class Review {
  constructor(root, app) {
    Object.assign(this, { root, app, start: 0, chosen: new Set() });
    const change = () => { this.start = 0; this.refresh(true); };
    const words = (name, ...options) => h("select", { "aria-label": name, onchange: change }, options.map(([value, text]) => h("option", { value }, text)));
    const search = (name) => h("input", { type: "search", "aria-label": name, oninput: () => { clearTimeout(this.later); this.later = setTimeout(change, 250); } });
    this.fields = {
      sort: words("Order", ["doubt", "most doubtful first"], ["difference", "largest difference first"], ["time", "in time"]),
      show: words("Which", ["all", "all frames"], ["uncounted", "not counted by people"], ["counted", "counted by people"], ["differ", "where counts differ"], ["unsure", "unsure"]),
      compare: words("Compare with", ["", "the model"]),
      flag: words("Flag", ["", "any or none"], ["any", "flagged"]),
      chamber: search("Chamber"),
      condition: search("Condition"),
    };
    const titles = { sort: "Order", show: "Show", compare: "Compare yours with", flag: "Flag", chamber: "Chamber", condition: "Condition" };
    this.tiles = h("div.tiles", {});
    this.total = h("span.soft", {});
    this.accept = h("button.main", { type: "button", onclick: () => this.take() }, "Accept chosen");
    this.more = h("button", { type: "button", onclick: () => { this.start += this.page; this.draw(false); } }, "More");
    root.replaceChildren(h("div.page", {}, h("div.head", {}, h("h1", {}, "Review"), this.total, h("span.grow", {}),
      h("button", { type: "button", onclick: () => this.all() }, "Choose all shown ", h("kbd", {}, "A")), this.accept),
    h("p.lead", {}, "Numbers are the model's count from the whole series with its interval; yours stand in orange. Choose the frames whose count is right and accept them: they are kept as your answers, with a note that the model's count was shown."),
    h("div.filters", {}, Object.entries(this.fields).map(([name, field]) => h("label.stack", {}, titles[name], field))), this.tiles, h("p", {}, this.more)));
  }

  async open() {
    this.fields.compare.replaceChildren(h("option", { value: "" }, "the model"), ...this.app.state.people.map((name) => h("option", { value: name }, name)));
    await this.draw(true);
  }

  async refresh(anew = false) {
    if (anew) await this.draw(true);
  }

  async draw(anew) {
    const query = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.value]));
    if (anew) { this.start = 0; this.chosen.clear(); }
    const found = await get("review", { ...query, start: this.start });
    this.page = found.frames.length || 1;
    for (const frame of found.frames) this.app.saw.add(frame.series);
    this.total.textContent = plural(found.total, "frame");
    if (anew) this.tiles.replaceChildren();
    this.tiles.append(...found.frames.map((frame) => this.tile(frame)));
    this.more.hidden = this.start + found.frames.length >= found.total;
    const flag = this.fields.flag.value;
    this.fields.flag.replaceChildren(h("option", { value: "" }, "any or none"), h("option", { value: "any" }, "flagged"), ...found.flags.map((word) => h("option", { value: word }, word)));
    this.fields.flag.value = flag;
    this.told();
  }

  tile(frame) {
    const said = frame.count === null ? "–" : String(Math.round(frame.count));
    const range = frame.lower === null ? "" : `${number(frame.lower, 0)}–${number(frame.upper, 0)}`;
    const mine = frame.mine === null ? null : h("span.you", {}, `you ${frame.mine}`);
    const others = frame.others.map(([name, count]) => h("span.soft", {}, `${name} ${count}`));
    const button = h("button.tile", { type: "button", "aria-pressed": "false", onclick: () => this.choose(button, frame) },
      h("img", { src: small(frame.row), alt: "", loading: "lazy" }),
      h("span.cap", {}, h("span.line", {}, h("span", {}, h("b", {}, said), h("span.soft", {}, ` ${range}`)), mine), h("span.line", {}, h("span.soft", {}, frame.name)),
        others.length ? h("span.line", {}, others) : null, frame.flag ? h("span.chip.flag", { title: frame.flag }, frame.flag.split(":")[0]) : null));
    button.frame = frame;
    return h("div.cell", {}, button, h("a.open", { href: `#/count/${frame.row}`, "aria-label": `Open ${frame.name}` }, "Open"));
  }

  choose(button, frame) {
    const on = !this.chosen.has(frame);
    if (on) this.chosen.add(frame);
    else this.chosen.delete(frame);
    button.setAttribute("aria-pressed", String(on));
    this.told();
  }

  all() {
    const some = [...this.tiles.querySelectorAll(".tile")].filter((one) => one.getAttribute("aria-pressed") === "false" && one.frame.count !== null);
    for (const one of some) this.choose(one, one.frame);
  }

  told() {
    this.accept.disabled = !this.chosen.size;
    this.accept.textContent = this.chosen.size ? `Accept ${plural(this.chosen.size, "frame")}` : "Accept chosen";
  }

  /** The model's count as the person's own answer, with the note that it was shown. */
  async take() {
    const frames = [...this.chosen].filter((frame) => frame.count !== null);
    const sent = frames.flatMap((frame) => {
      const shown = { model: true, asked: true, count: frame.count };
      return [outbox.send({ row: frame.row, kind: "number", number: Math.round(frame.count), shown }), outbox.send({ row: frame.row, kind: "status", status: "done", shown })];
    });
    await Promise.allSettled(sent);
    toast(`${plural(frames.length, "frame")} accepted.`);
    this.app.stale();
    await this.draw(true);
  }

  keyed(event) {
    if (event.key.toLowerCase() === "a" && !event.ctrlKey && !event.metaKey) this.all();
    else if (event.key === "Enter" && this.chosen.size) this.take();
    else return;
    event.preventDefault();
  }
}
