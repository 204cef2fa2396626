// Build the page's elements. Text is only ever set as text, so that a message cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return a new element. `options` are properties; `data`, `aria` and `on` are maps of their own. */
export function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  const { data, aria, on, attributes, ...properties } = options;
  for (const [name, value] of Object.entries(data ?? {})) element.dataset[name] = value;
  for (const [name, value] of Object.entries(aria ?? {})) element.setAttribute(`aria-${name}`, value);
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  for (const [name, listener] of Object.entries(on ?? {})) element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(properties)) if (value !== undefined) element[name] = value;
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Return an element with a class and text. */
export function text(tag, className, content, options = {}) {
  return make(tag, { className, ...options }, String(content));
}

/** Return a button that does not submit a form. */
export function button(label, onClick, options = {}) {
  return make("button", { type: "button", ...options, on: { click: onClick, ...options.on } }, label);
}

/** Return text for screen readers only. */
export function spoken(content) {
  return text("span", "spoken", content);
}

/** Return an icon of icons.svg; it is decoration, so its meaning has to be next to it in words. */
export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  picture.append(use);
  return picture;
}

/** Return the element with this id. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Replace the children of an element, keeping the focus on the child with the same data-key, if one has it. */
export function fill(parent, ...children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  if (!focused) return;
  for (const child of parent.querySelectorAll("[data-key]")) {
    if (child.dataset.key === focused) return child.focus({ preventScroll: true });
  }
}
