// Small things that every part of the page needs.

/** The element of an id. */
export const part = (id) => document.getElementById(id);

/** A new element: make("p", {class: "note", text: "words"}, parent). Text is text, never markup. */
export function make(kind, attributes = {}, parent = null) {
  const element = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  if (parent !== null) parent.append(element);
  return element;
}

/** A probability in words: 0.1234 -> "12 %", 0.00012 -> "0.012 %". */
export function percent(probability) {
  const value = 100 * probability;
  if (value === 0) return "0 %";
  if (value < 0.001) return "< 0.001 %";
  return `${value >= 9.95 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}

/** A number with separators: 124439808 -> "124,439,808". */
export const grouped = (number) => number.toLocaleString("en");

/** A token as one can read it in a label: spaces and line breaks too. */
export function label(token) {
  return token.replaceAll(" ", "·").replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll("\r", "←");
}

/** A row of buttons of which one is chosen; returns a function that chooses by name. */
export function choice(parent, names, chosen) {
  const buttons = Object.entries(names).map(([name, words]) => {
    const button = make("button", {type: "button", text: words, "data-name": name}, parent);
    button.addEventListener("click", () => choose(name));
    return button;
  });
  function choose(name) {
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.name === name);
    chosen(name);
  }
  return choose;
}

/** Say what went wrong, in words, above everything; nothing takes it away. */
export function complain(problem) {
  const words = problem === null ? "" : problem.message ?? String(problem);
  part("problem").textContent = words;
  part("problem").hidden = words === "";
}

/** Put a text where it can be pasted from; false where the browser lets no page do so. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {  // a page without https has no clipboard, but may copy what is selected
    const field = make("textarea", {readonly: true}, document.querySelector("dialog[open]") ?? document.body);
    field.value = text;
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}
