// Files to take away, and how good people are.
import { get, post } from "./api.js";
import { h, number, plural, toast } from "./dom.js";

const WHAT = {
  "report.html": "the report: curves, growth, flags, people", "counts.csv": "every frame's count with its 90 % interval", "growth.csv": "growth rate and doubling time of every chamber",
  "conditions.csv": "conditions compared", "pairs.csv": "each two conditions", "manifest.csv": "the data set with people's counts", "manifest.json": "what the images are", "points.csv": "the place of every cell clicked",
  "labels.csv": "every answer of every person; can be taken in again", "labels.sqlite": "every single click, with time and what was shown", "model.safetensors": "the model that learned here", "model.json": "its card", "twincell-labels.zip": "all of it",
};

export class Files {
  constructor(root, app) {
    Object.assign(this, { root, app });
    this.list = h("ul.filelist", {});
    this.people = h("div", {});
    this.make = h("button.main", { type: "button", onclick: () => app.work("report") }, "Write report and files");
    root.replaceChildren(h("div.page", {}, h("div.head", {}, h("h1", {}, "Files"), h("span.grow", {}), this.make),
      h("div.two", {}, h("section.card", {}, h("h2", {}, "Report and files"), this.list),
        h("section.card", {}, h("h2", {}, "How good are people?"), this.people),
        h("section.card", {}, h("h2", {}, "Into the data set"), h("p", {}, "Write people's counts and cells into manifest.csv and points.csv of the data set itself, for twincell's other commands. What stood there is kept beside, named by date."),
          h("button", { type: "button", onclick: () => this.write() }, "Write manifest and points")))));
  }

  async open() {
    await this.refresh();
  }

  async refresh() {
    const { report, job } = this.app.state;
    this.make.disabled = job?.state === "running";
    const files = report.files ?? [];
    this.list.replaceChildren(...(files.length ? files.map((name) => h("li", {}, h("span", {}, name, h("div.small.soft", {}, WHAT[name] ?? "")), h("span", {},
      name.endsWith(".html") ? h("a.button", { href: `files/${name}`, target: "_blank", rel: "noopener" }, "Open") : null, " ", h("a.button", { href: `files/${name}?save=1`, download: name, "aria-label": `Save ${name}` }, "Save")))) : [h("li.soft", {}, "Nothing is written yet.")]));
    const found = await get("people");
    const rows = [...found.within, ...found.between];
    const head = ["who", "frames", "mean difference", "the same", "one count ±"];
    this.people.replaceChildren(
      h("p", {}, `${plural(found.answers, "answer")}${found.seconds === null ? "" : `, ${number(found.seconds)} s each (median)`}.`),
      rows.length ? h("table", {}, h("thead", {}, h("tr", {}, head.map((name, i) => h(i ? "th" : "th.text", { scope: "col" }, name)))), h("tbody", {}, rows.map((row) => h("tr", {}, h("th.text", { scope: "row" }, row.who), h("td", {}, String(row.pairs)), h("td", {}, `${number(row.mean, 2)}${row.error === null ? "" : ` ± ${number(row.error, 2)}`}`), h("td", {}, `${number(100 * row.same, 0)} %`), h("td", {}, number(row.one, 2))))))
        : h("p.soft", {}, "Some frames come a second time, hidden among new ones, and some come to several people. Once there are any, their differences stand here and in the report."));
  }

  async write() {
    try {
      const { written } = await post("job/write");
      toast(`Written: ${written.join(", ")}`);
    } catch (problem) {
      toast(problem.message, true, 9);
    }
  }
}
