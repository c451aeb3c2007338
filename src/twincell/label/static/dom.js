// Small things every page is made of. Text from the data set is always set as text, never as HTML.
export const $ = (selector, root = document) => root.querySelector(selector);

/** An element: h("button.main", {onclick}, "Done", h("kbd", {}, "Enter")). */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  set(element, attributes);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  set(element, attributes);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" && "value" in element) element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
}

export function toast(text, bad = false, seconds = 5) {
  const shown = h(bad ? "div.toast.bad" : "div.toast", {}, text);
  $("#toasts").append(shown);
  setTimeout(() => shown.remove(), seconds * 1000);
}

/** Tell those who listen rather than look. */
export function say(text) {
  $("#say").textContent = text;
}

export function dialog(title, ...content) {
  const box = h("dialog", { "aria-label": title }, h("h1", {}, title), ...content);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

export const number = (value, digits = 1) => (value === null || value === undefined ? "–" : (+value).toFixed(digits).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""));
export const plural = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
export const key = () => crypto.getRandomValues(new Uint32Array(4)).reduce((text, part) => text + part.toString(16).padStart(8, "0"), "");
