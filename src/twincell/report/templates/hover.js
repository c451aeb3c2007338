"use strict";
// A click, or Enter, makes a chart as wide as the page, and small again.
for (const figure of document.querySelectorAll(".multiples:not(.single) figure, .row figure")) {
  const chart = figure.querySelector("svg.chart");
  if (!chart) continue;
  const toggle = () => figure.classList.toggle("large");
  chart.addEventListener("click", toggle);
  chart.setAttribute("tabindex", "0");
  chart.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(); });
}
// Each chart of counts over time carries its frames; the nearest one is shown beside the pointer.
(() => {
  const charts = document.querySelectorAll("svg[data-frames]");
  if (!charts.length) return;
  const look = document.createElement("div");
  look.className = "look";
  look.setAttribute("role", "status");
  document.body.append(look);
  const sprites = new Map();
  const sprite = (name) => {
    if (!sprites.has(name)) {
      const image = new Image();
      const source = document.getElementById(name);
      image.src = source ? source.textContent.trim() : "";
      sprites.set(name, image);
    }
    return sprites.get(name);
  };
  for (const chart of charts) {
    const data = JSON.parse(chart.dataset.frames);
    const mark = document.createElementNS(chart.namespaceURI, "line");
    mark.setAttribute("class", "marker");
    mark.setAttribute("visibility", "hidden");
    chart.append(mark);
    const show = (index, left, top) => {
      const frame = data.frames[index];
      mark.setAttribute("x1", frame.at); mark.setAttribute("x2", frame.at);
      mark.setAttribute("y1", data.top); mark.setAttribute("y2", data.bottom);
      mark.setAttribute("visibility", "visible");
      look.replaceChildren();
      for (const text of frame.text) {
        const line = document.createElement("div");
        line.textContent = text;
        look.append(line);
      }
      const image = data.sprite ? sprite(data.sprite) : null;
      if (image && frame.tile !== null) {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = data.side;
        const draw = () => canvas.getContext("2d").drawImage(
          image, frame.tile * data.side, 0, data.side, data.side, 0, 0, data.side, data.side);
        if (image.complete) draw(); else image.addEventListener("load", draw, { once: true });
        look.append(canvas);
      }
      look.style.display = "block";
      const size = look.getBoundingClientRect();
      look.style.left = Math.min(left + 14, innerWidth - size.width - 8) + "px";
      look.style.top = Math.max(8, Math.min(top + 14, innerHeight - size.height - 8)) + "px";
    };
    const hide = () => { look.style.display = "none"; mark.setAttribute("visibility", "hidden"); };
    const nearest = (x) => {
      let best = 0;
      data.frames.forEach((frame, i) => {
        if (Math.abs(frame.at - x) < Math.abs(data.frames[best].at - x)) best = i;
      });
      return best;
    };
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const x = (event.clientX - box.left) * chart.viewBox.baseVal.width / box.width;
      show(nearest(x), event.clientX, event.clientY);
    });
    chart.addEventListener("pointerleave", hide);
    // The same by keyboard: Tab to the chart, arrows along it.
    let at = 0;
    chart.setAttribute("tabindex", "0");
    chart.addEventListener("blur", hide);
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -data.frames.length, End: data.frames.length }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      at = Math.max(0, Math.min(data.frames.length - 1, at + step));
      const box = chart.getBoundingClientRect();
      show(at, box.left + data.frames[at].at * box.width / chart.viewBox.baseVal.width, box.top);
    });
  }
})();
