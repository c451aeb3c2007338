// The curves: every chamber small, one large, what learning brought, and when to stop.
import { get } from "./api.js";
import { h, number, plural } from "./dom.js";
import { legend, series } from "./chart.js";

export class Curves {
  constructor(root, app) {
    Object.assign(this, { root, app, hints: {} });
    this.large = h("section.card", {});
    this.small = h("div.multiples", {});
    this.figures = h("dl.figures", {});
    root.replaceChildren(h("div.page", {}, h("div.head", {}, h("h1", {}, "Curves"), h("span.grow", {}),
      h("button", { type: "button", onclick: () => app.work("count") }, "Count all anew"),
      h("button.main", { type: "button", onclick: () => app.work("learn") }, "Learn now")), this.figures, this.large,
    this.small));
  }

  async open(parts) {
    this.number = parts.length ? +parts[0] : this.number ?? 0;
    await this.refresh();
  }

  async refresh(counts = true) {
    this.drawFigures();
    const list = this.app.state.series;
    const shown = list.slice(0, 60);
    const [main, ...rest] = await Promise.all([get(`curve/${this.number}`), ...shown.map((one) => get(`curve/${one.number}`))]);
    this.drawLarge(main);
    this.small.replaceChildren(...rest.map((curve) => h("a.card", { href: `#/curves/${curve.number}`, "aria-current": curve.number === this.number ? "true" : null },
      h("div.t", {}, curve.name, h("span", {}, curve.width === null ? "" : `± ${number(curve.width / 2)}`)), series(curve, { width: 240, height: 110, small: true }))));
    if (counts) this.hints = {};
    this.hint(main);
  }

  drawFigures() {
    const { learned, series: list, model } = this.app.state;
    const known = list.reduce((sum, one) => sum + one.known, 0);
    const tell = (k, v, n) => h("div", {}, h("dt", {}, k), h("dd.v", {}, v), h("dd.n", {}, n));
    const shown = [tell("Counted frames", String(known), `of ${list.reduce((sum, one) => sum + one.frames, 0).toLocaleString("en")}`), tell("Model", model || "none yet", this.app.state.note.slice(0, 120))];
    if (learned.labels !== undefined) {
      shown.push(tell("Error, image alone", learned.before === null || learned.before === undefined ? "–" : `${number(learned.before, 2)} → ${number(learned.changed ? learned.after : learned.before, 2)}`,
        learned.changed ? `cells, on ${plural(learned.labels, "counted frame")} left out in turn` : "kept: no change was surely better"));
      shown.push(tell("Error, whole series", learned.curve_after === null ? "–" : `${number(learned.curve_before, 2)} → ${number(learned.curve_after, 2)}`, learned.curve_frames ? `cells, ${plural(learned.curve_frames, "frame")} left out in turn` : "count two frames of a chamber to know it"));
      if (learned.aside) shown.push(tell("Kept aside", learned.aside_before === null ? "–" : `${number(learned.aside_before, 2)} → ${number(learned.aside_after, 2)}`, `cells, ${plural(learned.aside, "frame")} never learned from`));
    }
    for (const dd of shown.flatMap((one) => [...one.querySelectorAll("dd")])) dd.style.margin = 0;
    this.figures.style.marginTop = 0;
    this.figures.replaceChildren(...shown);
  }

  drawLarge(curve) {
    this.app.saw.add(curve.number);
    this.told = h("p.lead", {}, "");
    this.large.replaceChildren(h("div.head", {}, h("h1", {}, curve.name), h("span.grow", {}), curve.width === null ? null : h("span.soft", {}, `90 % interval ${number(curve.width)} ${curve.width === 1 ? "cell" : "cells"} wide on average`)),
      series(curve, { open: (i) => { location.hash = `#/count/${curve.rows[i]}`; } }), legend(), this.told);
    this.large.style.marginBottom = "1rem";
  }

  async hint(curve) {
    const known = curve.counted.filter((value) => value !== null).length;
    if (curve.count.every((value) => value === null) || !this.app.state.model) { this.told.textContent = "No model has counted yet; your counts stand alone."; return; }
    const place = `${curve.number}.${known}.${this.app.state.counts}`;
    if (this.hints[place] === undefined) this.hints[place] = (await get(`hint/${curve.number}`)).change;
    const change = this.hints[place];
    if (this.number !== curve.number) return;
    const share = change === null ? null : Math.max(100 * change, 0.1);
    this.told.textContent = change === null ? "Click the curve to open a frame."
      : `Another ten counted frames here would change the growth rate by about ${number(share, share < 1 ? 1 : 0)} %${share < 2 ? ": enough is counted" : ""}. Click the curve to open a frame.`;
  }
}
