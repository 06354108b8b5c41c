// One prompt through every operation of a model. The chosen token, layer and head are common to all parts of the page.

const {tokens, ids, layers, heads, operations, vocabulary, candidates, parts} = content;
const time = tokens.length;
const triangle = (time * (time + 1)) / 2;
const weights = dequantised(content.attention).values;
const weight = (l, h, query, key) => weights[(l * heads + h) * triangle + (query * (query + 1)) / 2 + key];
const numbered = (count) => Array.from({length: count}, (_, n) => String(n));
let token = time - 1, layer = 0, head = 0;

const facts = make("dl", {class: "tiles"});
for (const [heading, fact] of content.facts) {
  const tile = make("div", {}, facts);
  make("dt", {text: heading}, tile);
  make("dd", {text: fact}, tile);
}

// The tokens stay in sight, so that another one can be chosen anywhere.
const chooser = make("div", {class: "chooser tokens", role: "group", "aria-label": "tokens"});
const spans = tokens.map((label, place) => {
  const span = make("button", {type: "button", text: label}, chooser);
  span.addEventListener("click", () => { token = place; show(); });
  return span;
});
const section = (title, note) => {
  make("h2", {text: title});
  return make("p", {class: "note", text: note});
};
const select = (heading, count, choose) => choice(make("div", {class: "controls"}), heading, numbered(count), choose);

section("From the embedding to the next token",
  "Read downwards. A shape is tokens × numbers. Each strip is the beginning of what comes out at the chosen token, blue above 0, orange below; point at it for the numbers. The stream is the one vector that everything adds to.");
const layerChoice = select("layer to unfold", layers, (place) => { layer = place; show(); });
const steps = make("ol", {class: "steps"});
const outcome = make("div", {class: "outcome"});

section("Where the heads look", "The chosen token of the prompt draws from the shaded ones. Rows look, columns are looked at; colours go by the square root of the weight. Each small picture is a head of this layer.");
const ofHead = make("div", {class: "controls"});
const layerOfHead = choice(ofHead, "layer", numbered(layers), (place) => { layer = place; show(); });
const headChoice = choice(ofHead, "head", numbered(heads), (place) => { head = place; show(); });
const thumbnails = make("div", {class: "heads", role: "group", "aria-label": "heads of this layer"});
const buttons = numbered(heads).map((number) => {
  const button = make("button", {type: "button"}, thumbnails);
  const small = make("canvas", {}, button);
  button.append(`head ${number}`);
  button.addEventListener("click", () => { head = Number(number); show(); });
  return {button, small};
});
const beside = make("div", {class: "looking"});
const shaded = make("div", {class: "tokens"}, make("div", {}, beside));
const shades = tokens.map((label, place) => {
  const span = make("button", {type: "button", text: label}, shaded);
  span.addEventListener("click", () => { token = place; show(); });
  return span;
});
const canvas = make("canvas", {role: "img"}, make("div", {class: "frame square"}, make("div", {}, beside)));
canvas.style.width = "100%";
canvas.style.aspectRatio = "1";

section("What each layer would say", "The logit lens: the stream after each layer, read as the head reads it at the end. The top row is what the model says.");
const lens = make("table", {class: "rows says"}, make("div", {class: "scroll"}));

const writing = section("Who wrote the answer", "");
const attribution = make("div");

section("How long the stream is", "The Euclidean norm of the residual stream at the chosen token, and of what each half of a layer adds to it.");
const lengths = make("div");

function strip(parent, operation) {
  const {shape, values} = operation.unpacked ??= dequantised(operation.vectors);
  const width = shape[1];
  const row = values.subarray(token * width, (token + 1) * width);
  const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const small = make("canvas", {class: "strip", role: "img", "aria-label": "the first numbers"}, parent);
  const [paper, blue, orange] = ["--paper", "--blue", "--orange"].map(colourOf);
  paint(small, 1, width, (_, n) => blend(paper, row[n] < 0 ? orange : blue, Math.min(1, Math.abs(row[n]) / largest)));
  listen(small, (event) => {
    const [, n] = pixelUnder(small, event);
    return `number ${n} of ${operation.shape[1].toLocaleString("en")}: ${figure(row[n])}`;
  });
}

function showSteps() {
  steps.textContent = "";
  let shownLayer = null;
  for (const operation of operations) {
    if (operation.layer !== null && operation.layer !== layer) {
      if (shownLayer === operation.layer) continue;
      shownLayer = operation.layer;
      const folded = make("li", {class: "folded"}, steps);
      const button = make("button", {type: "button", text: `layer ${operation.layer}`}, folded);
      button.addEventListener("click", () => { layer = operation.layer; show(); });
      continue;
    }
    const line = make("li", {class: operation.layer === null ? "" : "inner"}, steps);
    const about = make("div", {class: "about"}, line);
    make("b", {text: operation.layer === null ? operation.title : `${operation.layer} · ${operation.title}`}, about);
    make("code", {text: operation.shape.map((size) => size.toLocaleString("en")).join(" × ")}, about);
    make("p", {class: "note", text: operation.does}, line);
    if (operation.vectors) {
      const numbers = make("div", {class: "numbers"}, line);
      strip(numbers, operation);
      make("span", {text: `norm ${figure(operation.norms[token])}`}, numbers);
    }
    if (operation.title === "Tokens") make("p", {class: "ids", text: ids.join(", ")}, line);
  }
  outcome.textContent = "";
  make("p", {text: `After “${tokens[token]}” the model says:`}, outcome);
  bars(outcome, candidates[layers][token]);
}

function bars(parent, cell) {
  const list = make("ul", {class: "bars"}, parent);
  for (const [place, probability] of cell) {
    const line = make("li", {}, list);
    make("code", {text: vocabulary[place]}, line);
    const bar = make("i", {}, make("span", {}, line));
    bar.style.width = `${100 * probability}%`;
    make("small", {text: percent(probability)}, line);
  }
}

function showAttention() {
  layerOfHead.value = layer;
  headChoice.value = head;
  const [paper, blue] = ["--paper", "--blue"].map(colourOf);
  const colour = (h) => (query, key) => key > query ? null : blend(paper, blue, Math.sqrt(weight(layer, h, query, key)));
  buttons.forEach(({button, small}, place) => {
    button.setAttribute("aria-pressed", place === head);
    paint(small, time, time, colour(place));
  });
  paint(canvas, time, time, colour(head));
  canvas.setAttribute("aria-label", `attention weights of layer ${layer}, head ${head}`);
  shades.forEach((span, key) => {
    const share = key > token ? 0 : Math.sqrt(weight(layer, head, token, key));
    span.style.background = `color-mix(in srgb, var(--blue) ${Math.round(85 * share)}%, transparent)`;
    span.style.opacity = key > token ? 0.45 : 1;
    span.classList.toggle("here", key === token);
    span.title = key > token ? "later: not looked at" : percent(weight(layer, head, token, key));
  });
}

function showLens() {
  lens.textContent = "";
  const body = make("tbody", {}, lens);
  for (let place = layers; place >= 0; place--) {
    const line = make("tr", {}, body);
    make("th", {text: place ? `layer ${place - 1}` : "embeddings", scope: "row"}, line);
    for (const [n, probability] of candidates[place][token]) {
      const cell = make("td", {}, line);
      make("code", {text: vocabulary[n]}, cell);
      make("small", {text: percent(probability)}, cell);
      cell.style.background = `color-mix(in srgb, var(--blue) ${Math.round(100 * probability ** 0.6)}%, var(--card))`;
      if (probability > 0.45) cell.style.color = "var(--paper)";
    }
  }
}

function showAttribution() {
  const part = parts[token];
  writing.textContent = `Behind “${tokens[token]}” the likeliest token is “${part.token}”, with a logit of ${figure(part.logit, 4)}: the sum of what all parts wrote, the final layer norm's scale held. Choose a head to see where it looks.`;
  attribution.textContent = "";
  const of = part.unpacked ??= dequantised(part.heads).values;
  const rows = numbered(layers);
  const values = rows.map((_, l) => numbered(heads).map((__, h) => of[l * heads + h]));
  const largest = [...of, ...part.halves.flat(), ...part.ends.map(([, value]) => value)].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = {kind: "signed", low: -largest, high: largest || 1, label: "logits: blue spoke for the token, orange against it"};
  heatScale(attribution, scale);
  const room = make("div", {class: "maps"}, attribution);
  heatMap(room, {title: "Heads", rows, columns: numbered(heads), down: "layer", across: "head", values}, scale,
    (l, h) => { [layer, head] = [l, h]; show(); });
  heatMap(room, {title: "Halves of a layer", rows, columns: ["attention", "perceptron"], down: "layer", across: "", values: part.halves}, scale);
  heatMap(room, {title: "Ends", rows: [""], columns: part.ends.map(([name]) => name), down: "", across: "", values: [part.ends.map(([, value]) => value)]}, scale);
}

function showLengths() {
  lengths.textContent = "";
  const at = (norms) => norms.map((row, place) => [place, row[token]]);
  chart(lengths, `At “${tokens[token]}”`, [
    {name: "stream before the layer", colour: COLOURS[0], points: at(content.stream)},
    ...content.added.map(({name, norms}, n) => ({name: `added by ${name}`, colour: COLOURS[n + 1], points: at(norms)})),
  ], {across: `layer (${layers}: behind the last one)`, unit: "layer", whole: true, zero: true});
}

function show() {
  layerChoice.value = layer;
  spans.forEach((span, place) => {
    span.classList.toggle("here", place === token);
    span.setAttribute("aria-pressed", place === token);
  });
  for (const part of [showSteps, showAttention, showLens, showAttribution, showLengths]) part();
}

listen(canvas, (event) => {
  const [query, key] = pixelUnder(canvas, event);
  if (key > query) return `${query} ${tokens[query]}\ndoes not look ahead at ${key} ${tokens[key]}`;
  return `${query} ${tokens[query]}\nlooks at ${key} ${tokens[key]}: ${percent(weight(layer, head, query, key))}`;
});
canvas.addEventListener("click", (event) => { [token] = pixelUnder(canvas, event); show(); });
painters.add(show);
show();
