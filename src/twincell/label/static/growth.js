// Growth: rates of all chambers with their limits, conditions given by hand and compared.
import { outbox } from "./api.js";
import { h, number, plural } from "./dom.js";
import { rates } from "./chart.js";

export class Growth {
  constructor(root, app) {
    Object.assign(this, { root, app });
    this.result = h("section", {});
    this.given = h("tbody", {});
    this.make = h("button.main", { type: "button", onclick: () => app.work("report") }, "Fit growth");
    root.replaceChildren(h("div.page", {}, h("div.head", {}, h("h1", {}, "Growth"), h("span.grow", {}), this.make),
      h("p.lead", {}, "Rates come from the series as they are known now, people's counts among them. Give every chamber a condition to have conditions compared; the chamber is the unit."),
      h("div.two", {}, this.result, h("section.card", {}, h("h2", {}, "Conditions"), h("table", {}, h("thead", {}, h("tr", {}, h("th.text", { scope: "col" }, "chamber"), h("th.text", { scope: "col" }, "condition"))), this.given)))));
  }

  async open() {
    this.drawConditions();
    this.refresh();
  }

  refresh() {
    const { report, job } = this.app.state;
    this.make.disabled = job?.state === "running";
    if (!report.growth) { this.result.replaceChildren(h("div.card", {}, h("p.soft", {}, this.app.state.model ? "Nothing is fitted yet." : "A model has to count first."))); return; }
    const rows = report.growth;
    if (!rows.length) { this.result.replaceChildren(h("div.card", {}, h("p", {}, report.notes?.join(" ") || "No time-lapse to fit."))); return; }
    const unit = rows[0].unit;
    const head = ["chamber", "verdict", `rate per ${unit === "h" ? "hour" : "frame"}`, "95 % limits", `doubling, ${unit === "h" ? "hours" : "frames"}`, "frames"];
    const line = (row) => h("tr", { title: row.reason }, h("th.text", { scope: "row" }, row.chamber), h("td.text", {}, row.verdict), h("td", {}, number(row.rate, 3)), h("td", {}, `${number(row.rate_low, 3)} to ${number(row.rate_high, 3)}`), h("td", {}, number(row.doubling, 1)), h("td", {}, String(row.frames)));
    this.result.replaceChildren(h("div.card", {}, h("h2", {}, `Growth rates, ${plural(rows.length, "chamber")}`), rates(rows, unit)), h("p", {}), ...this.compared(report),
      h("div.card", {}, h("table", {}, h("thead", {}, h("tr", {}, head.map((name, i) => h(i < 2 ? "th.text" : "th", { scope: "col" }, name)))), h("tbody", {}, rows.map(line)))));
  }

  compared(report) {
    if (!report.conditions?.length) return [];
    const rows = report.conditions.map((one) => h("tr", {}, h("th.text", { scope: "row" }, one.name), h("td", {}, `${one.growing} of ${one.chambers}`), h("td", {}, number(one.rate, 4)), h("td", {}, `${number(one.rate_low, 4)} to ${number(one.rate_high, 4)}`)));
    const pairs = (report.pairs ?? []).map((pair) => h("p.small", {}, `${pair.b} against ${pair.a}: ${number(pair.difference, 4)} (${number(pair.low, 4)} to ${number(pair.high, 4)}), p ${number(pair.p, 3)}`));
    return [h("div.card", {}, h("h2", {}, "Conditions compared"), h("table", {}, h("thead", {}, h("tr", {}, ["condition", "growing", "mean rate", "95 % limits"].map((name, i) => h(i ? "th" : "th.text", { scope: "col" }, name)))), h("tbody", {}, rows)), ...pairs), h("p", {})];
  }

  drawConditions() {
    const keep = (one, value) => { one.condition = value; outbox.send({ row: -1, kind: "condition", chamber: one.name, condition: value }); };
    this.given.replaceChildren(...this.app.state.series.filter((one) => one.in_time).map((one) => h("tr", {}, h("th.text", { scope: "row" }, one.name),
      h("td.text", {}, h("input", { type: "text", maxlength: 60, value: one.condition, "aria-label": `condition of ${one.name}`, onchange: (event) => keep(one, event.target.value.trim()) })))));
  }
}
