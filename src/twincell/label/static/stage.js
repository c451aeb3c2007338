// The frame: drawn on a canvas with contrast, zoom and pan; dots on top, set and moved by pointer or keyboard.
import { key, say } from "./dom.js";

export const WORDS = [
  { label: "", name: "living", key: "l", colour: "#4fc3ba" },
  { label: "dividing", name: "dividing", key: "d", colour: "#ffd166" },
  { label: "dead", name: "dead", key: "k", colour: "#c3a6ff" },
  { label: "unsure", name: "unsure", key: "u", colour: "#ff9f5a" },
  { label: "not a cell", name: "not a cell", key: "x", colour: "#ff7a85" },
];
const NEAR = 9; // screen px within which a click means the dot that is there
const LARGEST = 40; // times magnified

export const colour = (label) => (WORDS.find((word) => word.label === label) ?? WORDS[0]).colour;

export class Stage {
  /** `changed(kind, dot)` is told of every dot set, moved or taken away; the stage shows it at once. */
  constructor(canvas, changed) {
    Object.assign(this, { canvas, changed, dots: [], ghost: [], seen: [], theirs: [], chosen: null, cross: null });
    Object.assign(this, { low: 0, high: 255, gamma: 1, inverted: false, label: "", showGhost: true });
    this.context = canvas.getContext("2d");
    this.source = new OffscreenCanvas(1, 1);
    new ResizeObserver(() => this.resize()).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => { this.held = null; });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  show(picture, name) {
    const same = this.picture && picture.width === this.picture.width && picture.height === this.picture.height;
    this.picture = picture;
    this.name = name;
    Object.assign(this, { chosen: null, held: null });
    this.source.width = picture.width;
    this.source.height = picture.height;
    this.levels();
    if (!same) this.fit();
    else this.draw();
  }

  /** Low and high grey level so that all but a few pixels are shown apart. */
  auto() {
    const histogram = new Uint32Array(256);
    for (const level of this.picture.grey) histogram[level] += 1;
    const few = this.picture.grey.length * 0.002;
    let [low, high, sum] = [0, 255, 0];
    while (low < 254 && (sum += histogram[low]) < few) low += 1;
    for (sum = 0; high > low + 1 && (sum += histogram[high]) < few; ) high -= 1;
    Object.assign(this, { low, high, gamma: 1 });
    this.levels();
  }

  levels() {
    if (!this.picture) return;
    const { width, height, grey } = this.picture;
    const table = new Uint8ClampedArray(256);
    for (let level = 0; level < 256; level += 1) {
      const share = Math.min(Math.max((level - this.low) / Math.max(this.high - this.low, 1), 0), 1) ** this.gamma;
      table[level] = 255 * (this.inverted ? 1 - share : share);
    }
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < grey.length; i += 1) pixels[i] = 0xff000000 | (table[grey[i]] * 0x010101);
    this.source.getContext("2d").putImageData(image, 0, 0);
    this.draw();
  }

  resize() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.canvas.width = clientWidth * ratio;
    this.canvas.height = clientHeight * ratio;
    if (this.picture) this.fit();
  }

  fit() {
    const { clientWidth, clientHeight } = this.canvas;
    const { width, height } = this.picture;
    this.zoom = Math.min((clientWidth - 24) / width, (clientHeight - 24) / height);
    this.least = this.zoom;
    this.left = (clientWidth - width * this.zoom) / 2;
    this.top = (clientHeight - height * this.zoom) / 2;
    this.draw();
  }

  scale(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const zoom = Math.min(Math.max(this.zoom * factor, this.least / 2), LARGEST);
    this.left = x - ((x - this.left) * zoom) / this.zoom;
    this.top = y - ((y - this.top) * zoom) / this.zoom;
    this.zoom = zoom;
    this.draw();
  }

  pan(x, y) {
    this.left += x;
    this.top += y;
    this.draw();
  }

  draw() {
    if (this.waiting || !this.picture) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = null; this.paint(); });
  }

  paint() {
    const { context, canvas, zoom } = this;
    const ratio = canvas.width / canvas.clientWidth || 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = zoom < 10;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.source, this.left, this.top, this.picture.width * zoom, this.picture.height * zoom);
    if (this.showGhost) for (const [x, y] of this.ghost) this.ring(x, y, 5, "#ffffff8c", 1.2);
    for (const [x, y] of this.theirs) this.square(x, y, "#c9c2ff");
    for (const [x, y] of this.seen) this.diamond(x, y, "#ff9f5a");
    for (const dot of this.dots) this.dot(dot);
    if (this.cross) this.hair();
  }

  at(x, y) {
    return [this.left + x * this.zoom, this.top + y * this.zoom];
  }

  ring(x, y, radius, stroke, width) {
    const [left, top] = this.at(x, y);
    this.context.beginPath();
    this.context.arc(left, top, radius, 0, 7);
    this.context.lineWidth = width;
    this.context.strokeStyle = stroke;
    this.context.stroke();
  }

  diamond(x, y, stroke) {
    const [left, top] = this.at(x, y);
    const { context } = this;
    context.beginPath();
    context.moveTo(left, top - 7);
    for (const [dx, dy] of [[7, 0], [0, 7], [-7, 0], [0, -7]]) context.lineTo(left + dx, top + dy);
    context.lineWidth = 1.6;
    context.strokeStyle = stroke;
    context.stroke();
  }

  square(x, y, stroke) {
    const [left, top] = this.at(x, y);
    this.context.lineWidth = 1.6;
    this.context.strokeStyle = stroke;
    this.context.strokeRect(left - 6, top - 6, 12, 12);
  }

  dot(dot) {
    const on = dot.id === this.chosen;
    this.ring(dot.x, dot.y, on ? 8 : 6, "#000000b0", on ? 5 : 4);
    this.ring(dot.x, dot.y, on ? 8 : 6, colour(dot.label), on ? 2.6 : 2);
    const [left, top] = this.at(dot.x, dot.y);
    this.context.fillStyle = colour(dot.label);
    this.context.fillRect(left - 1, top - 1, 2, 2);
    if (dot.label === "not a cell") {
      this.context.beginPath();
      this.context.moveTo(left - 4, top + 4);
      this.context.lineTo(left + 4, top - 4);
      this.context.lineWidth = 1.6;
      this.context.strokeStyle = colour(dot.label);
      this.context.stroke();
    }
  }

  hair() {
    const [left, top] = this.at(...this.cross);
    const { context } = this;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(left + dx * 4, top + dy * 4);
      context.lineTo(left + dx * 16, top + dy * 16);
    }
    context.lineWidth = 1.6;
    context.strokeStyle = "#fff";
    context.stroke();
  }

  // -- pointer -----------------------------------------------------------------------------------

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left - this.left) / this.zoom, (event.clientY - box.top - this.top) / this.zoom];
  }

  inside(x, y) {
    return x >= 0 && y >= 0 && x <= this.picture.width && y <= this.picture.height;
  }

  nearest(x, y, within = NEAR / this.zoom) {
    let best = null;
    for (const dot of this.dots) {
      const away = Math.hypot(dot.x - x, dot.y - y);
      if (away <= within) { best = dot; within = away; }
    }
    return best;
  }

  down(event) {
    if (!this.picture) return;
    this.canvas.setPointerCapture(event.pointerId);
    const [x, y] = this.place(event);
    const dot = this.nearest(x, y);
    if (event.button === 2) { if (dot) this.remove(dot); return; }
    if (event.button === 1 || event.shiftKey || this.panning) {
      this.held = { pan: true, x: event.clientX, y: event.clientY };
      this.canvas.classList.add("pan");
    } else if (dot) {
      this.choose(dot);
      this.held = { dot, from: [dot.x, dot.y], x, y };
    } else if (this.inside(x, y)) {
      this.set(x, y);
    }
  }

  move(event) {
    if (!this.held) return;
    if (this.held.pan) {
      this.pan(event.clientX - this.held.x, event.clientY - this.held.y);
      Object.assign(this.held, { x: event.clientX, y: event.clientY });
      return;
    }
    const [x, y] = this.place(event);
    const { dot, from } = this.held;
    dot.x = Math.min(Math.max(from[0] + x - this.held.x, 0), this.picture.width);
    dot.y = Math.min(Math.max(from[1] + y - this.held.y, 0), this.picture.height);
    this.draw();
  }

  up() {
    const held = this.held;
    this.held = null;
    this.canvas.classList.remove("pan");
    if (held?.dot && Math.hypot(held.dot.x - held.from[0], held.dot.y - held.from[1]) * this.zoom > 2) {
      this.changed("dot", held.dot);
    }
  }

  wheel(event) {
    event.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    this.scale(Math.exp(-event.deltaY * 0.0016), event.clientX - box.left, event.clientY - box.top);
  }

  // -- what a dot may undergo ----------------------------------------------------------------------

  set(x, y, label = this.label) {
    const dot = { id: key(), x: Math.round(x * 100) / 100, y: Math.round(y * 100) / 100, label };
    this.dots.push(dot);
    this.choose(dot);
    this.changed("dot", dot);
  }

  choose(dot) {
    this.chosen = dot?.id ?? null;
    this.draw();
    if (dot) say(`dot ${this.dots.indexOf(dot) + 1} of ${this.dots.length}, ${dot.label || "living"}`);
  }

  get one() {
    return this.dots.find((dot) => dot.id === this.chosen) ?? null;
  }

  remove(dot) {
    this.dots = this.dots.filter((other) => other !== dot);
    this.chosen = null;
    this.draw();
    this.changed("gone", dot);
  }

  name_it(label) {
    const dot = this.one;
    if (dot) {
      dot.label = label;
      this.draw();
      this.changed("dot", dot);
    }
  }

  /** The next dot, or the one before, for hands that use no pointer. */
  step(by) {
    if (!this.dots.length) return;
    const at = this.dots.findIndex((dot) => dot.id === this.chosen);
    this.choose(this.dots[(at + by + this.dots.length) % this.dots.length]);
  }

  nudge(x, y) {
    const size = Math.max(1, Math.round(Math.max(this.picture.width, this.picture.height) / 128));
    if (!this.cross) return;
    this.cross = [
      Math.min(Math.max(this.cross[0] + x * size, 0.5), this.picture.width - 0.5),
      Math.min(Math.max(this.cross[1] + y * size, 0.5), this.picture.height - 0.5),
    ];
    this.draw();
  }

  aim(on) {
    this.cross = on ? [this.picture.width / 2, this.picture.height / 2] : null;
    this.draw();
  }
}
