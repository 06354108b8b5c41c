// The small window that says what else could have stood in a token's place.
import {label, make, part, percent} from "/playground/page_tools.js";

const LINGER_MILLISECONDS = 250;  // time to move the pointer from the token into the window
let shownFor = null, leaving = 0, stays = false;

/** Open the window at a token of a text; `stay`: until it is closed, and not only while somebody points there. */
export function alternativesAt(text, place, {stay, focus}) {
  const {probability, others, span} = text.entries[place];
  clearTimeout(leaving);
  if (stays && !stay) return;
  stays = stay;
  shownFor?.classList.remove("open");
  shownFor = span;
  span.classList.add("open");
  const own = part("alternatives");
  own.replaceChildren();
  make("p", {text: `“${label(text.entries[place].token)}” had ${percent(probability)}`}, own);
  const buttons = others.map((other) => row(own, text, place, other));
  own.hidden = false;
  moveTo(own, span);
  if (focus) buttons.find((button) => !button.disabled)?.focus();
}

/** Close the window. */
export function hideAlternatives({andFocus = false} = {}) {
  part("alternatives").hidden = true;
  shownFor?.classList.remove("open");
  if (andFocus) shownFor?.focus();
  shownFor = null;
  stays = false;
}

function row(own, text, place, [token, probability]) {
  const isHere = token === text.entries[place].token;
  const button = make("button", {type: "button", class: isHere ? "here" : null}, own);
  const bar = make("i", {}, button);
  bar.style.width = `${Math.max(1, 100 * probability)}%`;
  make("span", {text: label(token)}, button);
  make("span", {text: percent(probability)}, button);
  button.disabled = !text.isWhole(place, token);
  button.title = button.disabled ? "half a letter: a text cannot go on from there" : "go on from here";
  button.addEventListener("click", () => {
    hideAlternatives();
    text.replace(place, [token, probability]);
  });
  return button;
}

function moveTo(own, span) {
  const box = [...span.getClientRects()].at(-1) ?? span.getBoundingClientRect();
  const left = Math.min(box.left, document.documentElement.clientWidth - own.offsetWidth - 8);
  const below = box.bottom + own.offsetHeight + 8 < window.innerHeight;
  own.style.left = `${Math.max(8, left) + window.scrollX}px`;
  own.style.top = `${(below ? box.bottom + 2 : box.top - own.offsetHeight - 2) + window.scrollY}px`;
}

/** Let the window close when nobody points at it any more, or when Escape is pressed. */
export function watchAlternatives() {
  const own = part("alternatives");
  document.addEventListener("pointerover", (event) => {
    const isThere = own.contains(event.target) || event.target.closest?.(".token");
    clearTimeout(leaving);
    if (!isThere && !stays && !own.hidden) leaving = setTimeout(hideAlternatives, LINGER_MILLISECONDS);
  });
  document.addEventListener("pointerdown", (event) => {
    if (!own.contains(event.target) && !event.target.closest?.(".token")) hideAlternatives();
  });
  own.addEventListener("keydown", (event) => {
    const buttons = [...own.querySelectorAll("button:not(:disabled)")];
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step !== undefined) {
      buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length]?.focus();
      event.preventDefault();
    } else if (event.key === "Escape") {
      hideAlternatives({andFocus: true});
      event.stopPropagation();
    }
  });
}
