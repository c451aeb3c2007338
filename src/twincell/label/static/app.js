// The page as a whole: which part is shown, who counts, what the server is doing.
import { get, me, outbox, post, seen } from "./api.js";
import { $, dialog, h, toast } from "./dom.js";
import { Count } from "./count.js";
import { Curves } from "./curves.js";
import { Files } from "./files.js";
import { Growth } from "./growth.js";
import { Review } from "./review.js";
import { Setup } from "./setup.js";

const PAGES = { count: ["Count", Count], curves: ["Curves", Curves], review: ["Review", Review], growth: ["Growth", Growth], files: ["Files", Files] };
const LOOK = 1500; // ms between two looks at what the server does

class App {
  constructor() {
    this.main = $("#main");
    this.saw = new Set(); // series whose curve was looked at: that is kept with what is counted there later
    addEventListener("hashchange", () => this.route());
    addEventListener("keydown", (event) => this.keyed(event));
    addEventListener("refused", (event) => toast(`Not kept: ${event.detail}`, true, 9));
    $("#theme").addEventListener("click", () => this.theme());
    $("#help").addEventListener("click", () => this.help());
    $("#who").addEventListener("click", () => this.ask());
    outbox.listeners.add((waiting, failing) => this.saved(waiting, failing));
    this.saved(0, false);
    this.themed();
  }

  async start() {
    if (new URLSearchParams(location.search).has("token")) history.replaceState(null, "", location.pathname + location.hash);
    try {
      const setup = await get("setup");
      if (setup.phase !== "ready") { this.setup = new Setup(this.main, this, setup); return; }
      if (!me()) await this.ask();
      await this.refresh();
    } catch (problem) {
      this.main.replaceChildren(h("p.loading", {}, problem.message));
      return;
    }
    this.tabs();
    await this.route();
    this.pulse();
  }

  async refresh() {
    this.state = await get("state");
    seen(this.state);
    document.title = `${this.state.name} · twincell`;
    $("#who").textContent = me();
    this.status();
  }

  /** Something was kept: have the lists anew, not at once for every click. */
  stale() {
    clearTimeout(this.later);
    this.later = setTimeout(async () => { await this.refresh(); this.page?.refresh?.(); }, 400);
  }

  first() {
    const series = this.state.series[0];
    return series.first;
  }

  tabs() {
    $("#tabs").replaceChildren(...Object.entries(PAGES).map(([name, [title]]) => h("a", { href: `#/${name}`, "data-page": name }, title)));
  }

  async route() {
    if (!this.state) return; // still being set up
    const [, name = "count", ...rest] = (location.hash || "#/count").split("/");
    const chosen = PAGES[name] ? name : "count";
    const parts = rest.map(decodeURIComponent);
    for (const tab of $("#tabs").children) tab.toggleAttribute("aria-current", tab.dataset.page === chosen);
    if (this.shown === chosen) { await this.page.open(parts); return; }
    this.shown = chosen;
    const root = h("div", {});
    root.style.height = chosen === "count" ? "100%" : "";
    this.main.replaceChildren(root);
    this.page = new PAGES[chosen][1](root, this);
    await this.page.open(parts);
    this.main.focus({ preventScroll: true });
  }

  keyed(event) {
    const typing = event.target.closest("input:not([type=checkbox]):not([type=range]), select, textarea, dialog");
    if (typing || event.altKey) return;
    if (event.key === "?" || (event.key === "h" && !event.ctrlKey)) { event.preventDefault(); this.help(); return; }
    const pressed = event.target.closest("button, a, summary, input") && (event.key === "Enter" || event.key === " ");
    if (!pressed) this.page?.keyed?.(event);
  }

  help() {
    (this.page?.help ? this.page.help() : dialog("twincell", h("p", {}, "Keys belong to the page Count; open it and press ? there."), h("form", { method: "dialog" }, h("button.main", {}, "Close"))));
  }

  // -- who -----------------------------------------------------------------------------------------

  ask() {
    return new Promise((done) => {
      const name = h("input", { type: "text", maxlength: 40, required: true, value: me(), autocomplete: "name" });
      const form = h("form", { method: "dialog", onsubmit: () => {
        if (name.value.trim()) localStorage.setItem("twincell.person", name.value.trim());
      } }, h("p.lead", {}, "Your name stands with every label you give, so that people can be compared and nothing is mixed up."),
      h("p", {}, h("label.stack", {}, "Your name", name)), h("button.main", {}, "Count"));
      const box = dialog("Who counts?", form);
      box.addEventListener("close", async () => {
        if (!me()) { done(this.ask()); return; }
        if (this.state) { await this.refresh(); this.shown = null; await this.route(); }
        done();
      });
      name.focus();
    });
  }

  saved(waiting, failing) {
    const button = $("#saved");
    button.classList.toggle("waiting", Boolean(failing));
    button.textContent = failing ? `${waiting} not saved yet, trying again` : waiting ? "saving" : "saved";
  }

  // -- the server's work ---------------------------------------------------------------------------

  async pulse() {
    for (;;) {
      await new Promise((wake) => setTimeout(wake, LOOK));
      if (document.hidden) continue;
      try {
        const pulse = await get("pulse");
        const before = this.state.job?.state;
        const counts = pulse.counts !== this.state.counts;
        Object.assign(this.state, { job: pulse.job, counts: pulse.counts });
        this.status();
        const ended = before === "running" && pulse.job?.state !== "running";
        if (ended && pulse.job.state === "failed") toast(`${pulse.job.title}: ${pulse.job.line}`, true, 12);
        if (ended && pulse.job.state === "done") toast(this.told(pulse.job));
        if (ended || counts || pulse.last !== this.state.last) { await this.refresh(); this.page?.refresh?.(ended || counts); }
      } catch { /* the outbox says when the server is away */ }
    }
  }

  told(job) {
    if (job.kind !== "learn") return `${job.title}: done in ${Math.round(job.seconds)} s`;
    const { changed, before, after } = job.result;
    if (!changed) return "Learned nothing that is surely better: the model stays as it was.";
    return `Learned: error on frames left out ${before.toFixed(2)} before, ${after.toFixed(2)} after.`;
  }

  status() {
    const job = this.state.job;
    const running = job?.state === "running";
    const shown = running
      ? [h("span.what", {}, `${job.title}: ${job.line}`.slice(0, 90)), h("progress", { max: 1, value: job.share ?? undefined, "aria-label": job.title }), h("button.quiet", { type: "button", onclick: () => this.work("stop") }, "Stop")]
      : [h("span.what", {}, this.state.model ? `counted by ${this.state.model}` : "no model has counted yet"),
        this.state.model ? h("button", { type: "button", onclick: () => this.work("learn"), title: "Fine-tune the model on what people counted; kept only if it is better" }, "Learn now")
          : h("button", { type: "button", onclick: () => this.work("count") }, "Count all")];
    $("#status").replaceChildren(...shown);
  }

  async work(kind) {
    try {
      const { started } = await post(`job/${kind}`);
      if (!started && kind !== "stop") toast("Other work is going on; wait for it or stop it.", true);
      const pulse = await get("pulse");
      this.state.job = pulse.job;
      this.status();
      this.page?.refresh?.();
    } catch (problem) {
      toast(problem.message, true, 9);
    }
  }

  // -- light and dark ------------------------------------------------------------------------------

  dark() {
    return document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  theme() {
    const chosen = this.dark() ? "light" : "dark";
    document.documentElement.dataset.theme = chosen;
    localStorage.setItem("twincell.theme", chosen);
    this.themed();
  }

  themed() {
    $("#theme").textContent = this.dark() ? "☀" : "☾";
  }
}

const app = new App();
window.twincell = app; // for those who look under the hood, and for tests
app.start();
