"use strict";
// Elements are made from names, attributes and texts only: a text is never read as markup.

const SVG_NAMES = new Set(["svg", "g", "line", "polyline", "path", "circle", "rect", "text", "title"]);

/** An element. Attributes that begin with "on" are handlers; false, null and undefined leave one out. */
function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Puts `children` in place of everything in `element`. */
function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/** A drawing that the server made, as [name, attributes, children]; only names of SVG and figures. */
function drawn([name, attributes, children], inSvg = false) {
  const svg = inSvg || name === "svg";
  if (!(svg ? SVG_NAMES.has(name) : ["div", "figure", "figcaption", "p"].includes(name))) return "";
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  for (const child of children) element.append(typeof child === "string" ? child : drawn(child, svg));
  return element;
}

const signed = value => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
const counted = (n, one, many = one + "s") => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
const percent = share => (100 * share).toFixed(1);

function badge(outcome) {
  return h("span", {class: `badge ${outcome}`}, outcome);
}

/** A labelled choice: options are [value, text]. */
function choice(label, options, value, onchange) {
  return h("label", {}, h("span", {}, label),
    h("select", {onchange: event => onchange(event.target.value)},
      options.map(([key, text]) => h("option", {value: key, selected: key === value}, text))));
}

let toldTimer;
/** A line at the bottom of the page for a moment; screen readers read it too. */
function tell(text) {
  const line = document.getElementById("told");
  line.textContent = text;
  line.classList.add("shown");
  clearTimeout(toldTimer);
  toldTimer = setTimeout(() => line.classList.remove("shown"), 2500);
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    tell(`Copied: ${what}`);
  } catch {  // no clipboard here (a page from a file, a browser without it): shown to be copied by hand
    const box = h("textarea", {class: "by-hand", "aria-label": what, readonly: true});
    box.value = text;
    const dialog = h("dialog", {}, h("p", {}, `Copy by hand: ${what}`), box,
      h("button", {onclick: () => dialog.close()}, "Close"));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    box.select();
  }
}
