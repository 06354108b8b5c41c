// The tab that looks inside: which look is chosen, what is asked for it, and who draws the answer.
import {ask} from "/playground/asking.js";
import {attention, attribution, heads, lens, neurons, norms, positions} from "/playground/looks.js";
import {described} from "/playground/models.js";
import {choice, complain, make, part} from "/playground/page_tools.js";
import {draw} from "/playground/pictures.js";

const LOOKS = {
  attention: {name: "Attention", draw: attention, asks: ["layer", "head"],
    words: "How much a token draws from each token before it, in one head of one layer. Point at a token, or tap it."},
  lens: {name: "Logit lens", draw: lens, asks: [],
    words: "What the model would predict next if it stopped after a layer. The last row is its own prediction."},
  attribution: {name: "Attribution", draw: attribution, asks: ["position"],
    words: "Which part of the model wrote the prediction: its logit, split into what every head and every perceptron added. Blue speaks for it, orange against. Choose a token to see what is predicted behind it."},
  norms: {name: "Norms", draw: norms, asks: [],
    words: "How long the residual stream's vector is at every token, layer by layer."},
  neurons: {name: "Neurons", draw: neurons, asks: ["position"],
    words: "The neurons that are most excited at a token, and the tokens that each makes likelier."},
  heads: {name: "What heads are", draw: heads, asks: [],
    words: "On random tokens that come twice: the share of its attention that each head gives to the token before, to the same token earlier, and to the one that followed it there (induction). The text above plays no part. Choose a head to see its attention."},
  positions: {name: "Positions", draw: positions, asks: ["channels"],
    words: "What the model has learned about places: which are alike, and some channels of their embeddings. The text above plays no part."},
};
let look = "attention", position = -1, last = null, shown = "";
let choose = () => {};

/** Make the tab work. */
export function beginInside() {
  choose = choice(part("looks"), Object.fromEntries(Object.entries(LOOKS).map(([name, {name: words}]) => [name, words])), (name) => {
    look = name;
    part("look-words").textContent = LOOKS[name].words;
    for (const field of ["layer", "head", "channels"]) part(`${field}-label`).hidden = !LOOKS[name].asks.includes(field);
    lookInside();
  });
  part("inside-form").addEventListener("submit", (event) => { event.preventDefault(); lookInside(); });
  for (const name of ["layer", "head"]) part(name).addEventListener("change", lookInside);
  part("inside-text").addEventListener("input", () => { position = -1; });
  choose("attention");
}

/** Ask for what is chosen, where the tab is open, and draw it. */
export async function lookInside() {
  const model = described(part("model").value);
  if (part("inside").hidden || model === undefined) return;
  fill("layer", model.layers);
  fill("head", model.heads);
  const body = {model: model.id, prompt: part("inside-text").value};
  const {asks} = LOOKS[look];
  for (const name of ["layer", "head"]) if (asks.includes(name)) body[name] = Number(part(name).value);
  if (asks.includes("position")) body.position = position;
  if (asks.includes("channels")) body.channels = channelsNow();
  const asked = JSON.stringify([look, body]);
  if (asked === shown) return;
  last?.abort();
  const controller = last = new AbortController();
  part("picture").setAttribute("aria-busy", "true");
  try {
    const found = await ask(`/inside/${look}`, body, controller.signal);
    complain(null);
    shown = asked;
    draw(() => {
      part("picture").replaceChildren();
      LOOKS[look].draw(part("picture"), found, {choosePosition, chooseHead});
    });
  } catch (problem) {
    if (problem.name === "AbortError") return;
    part("picture").replaceChildren();
    shown = "";
    complain(problem);
  } finally {
    if (last === controller) part("picture").removeAttribute("aria-busy");
  }
}

function choosePosition(place) {
  position = place;
  lookInside();
}

function chooseHead(layer, head) {
  part("layer").value = layer;
  part("head").value = head;
  choose("attention");
}

function channelsNow() {
  const words = part("channels").value.match(/\d+/g) ?? [];
  return words.map(Number).slice(0, 4);
}

function fill(name, count) {
  const own = part(name);
  if (own.options.length === count) return;
  const before = Number(own.value || 0);
  own.replaceChildren();
  for (let number = 0; number < count; number++) make("option", {value: number, text: number}, own);
  own.value = Math.min(before, count - 1);
}
