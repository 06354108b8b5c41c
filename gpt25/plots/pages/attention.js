// Attention: choose a layer and a head; the matrix and the text say what each token looks at.

const {tokens, layers, heads} = content;
const time = tokens.length;
const triangle = (time * (time + 1)) / 2;
const weights = dequantised(content.weights).values; // layer after layer, head after head, each row up to the diagonal
let layer = 0, head = 0, looking = time - 1;

const weight = (l, h, query, key) => weights[(l * heads.length + h) * triangle + (query * (query + 1)) / 2 + key];

function paintHead(canvas, l, h) {
  const paper = colourOf("--paper"), blue = colourOf("--blue");
  paint(canvas, time, time, (query, key) => key > query ? null : blend(paper, blue, Math.sqrt(weight(l, h, query, key))));
}

const alone = layers.length * heads.length === 1;
const percentOfScale = (value) => `${Math.round(100 * value)} %`;
const controls = make("div", {class: "controls"});
controls.hidden = alone;
const layerChoice = choice(controls, "layer", layers, (place) => { layer = place; show(); });
const headChoice = choice(controls, "head", heads, (place) => { head = place; show(); });
const thumbnails = make("div", {class: "heads", role: "group", "aria-label": "heads of this layer"});
thumbnails.hidden = alone;
const heading = make("h2");
const beside = make("div", {class: "looking"});
const reading = make("div", {}, beside);
const seeing = make("div", {}, beside);
make("p", {class: "note", text: "Point at a token, or tap it, to see in the text how much it draws from each token before it."}, reading);
const text = make("div", {class: "tokens"}, reading);
const matrix = make("div", {class: "matrix"}, seeing);
const across = make("div", {class: "across", "aria-hidden": "true"}, matrix);
const down = make("div", {class: "down", "aria-hidden": "true"}, matrix);
const frame = make("div", {class: "frame"}, matrix);
const canvas = make("canvas", {role: "img"}, frame);
const scale = make("div", {class: "scale", "aria-hidden": "true"}, seeing);
for (const weightOfScale of [0, 0.01, 0.05, 0.2, 0.5, 1]) {
  const step = make("span", {text: percentOfScale(weightOfScale)}, scale);
  step.style.background = `color-mix(in srgb, var(--blue) ${Math.round(100 * Math.sqrt(weightOfScale))}%, var(--paper))`;
  if (weightOfScale > 0.3) step.style.color = "var(--paper)";
}
make("p", {class: "note", text: "Rows look, columns are looked at; colours go by the square root of the weight."}, seeing);

const spans = tokens.map((token, place) => {
  const span = make("button", {type: "button", text: token}, text);
  const look = () => { looking = place; shade(); };
  for (const kind of ["pointerenter", "focus", "click"]) span.addEventListener(kind, look);
  if (token.includes("↵")) text.append(document.createElement("br"));
  return span;
});

const buttons = heads.map((number, place) => {
  const button = make("button", {type: "button"}, thumbnails);
  const small = make("canvas", {}, button);
  button.append(`head ${number}`);
  button.addEventListener("click", () => { head = place; show(); });
  return {button, small};
});

function shade() {
  spans.forEach((span, key) => {
    const opacity = key > looking ? 0 : Math.sqrt(weight(layer, head, looking, key));
    span.style.background = `color-mix(in srgb, var(--blue) ${Math.round(85 * opacity)}%, transparent)`;
    span.style.opacity = key > looking ? 0.45 : 1;
    span.classList.toggle("here", key === looking);
    span.title = key > looking ? "later: not looked at" : percent(weight(layer, head, looking, key));
  });
}

function arrange() {
  const room = Math.min(seeing.clientWidth, 760);
  let labels = 92;
  let cell = Math.floor((room - labels) / time);
  if (cell < 9) [labels, cell] = [0, (room - 2) / time];
  cell = Math.min(cell, time < 16 ? 56 : 34);
  canvas.style.width = canvas.style.height = `${cell * time}px`;
  across.textContent = down.textContent = "";
  for (const [side, size] of labels ? [[across, "width"], [down, "height"]] : []) {
    for (const token of tokens) {
      const label = make("div", {text: token}, side);
      label.style[size] = `${cell}px`;
      label.style.fontSize = `${Math.min(13, cell - 1)}px`;
    }
  }
}

function show() {
  layerChoice.value = layer;
  headChoice.value = head;
  heading.textContent = `Layer ${layers[layer]}, head ${heads[head]}`;
  canvas.setAttribute("aria-label", `attention weights of layer ${layers[layer]}, head ${heads[head]}`);
  buttons.forEach(({button, small}, place) => {
    button.setAttribute("aria-pressed", place === head);
    paintHead(small, layer, place);
  });
  paintHead(canvas, layer, head);
  shade();
}

listen(canvas, (event) => {
  const [query, key] = pixelUnder(canvas, event);
  if (looking !== query) { looking = query; shade(); }
  if (key > query) return `${query} ${tokens[query]}\ndoes not look ahead at ${key} ${tokens[key]}`;
  return `${query} ${tokens[query]}\nlooks at ${key} ${tokens[key]}: ${percent(weight(layer, head, query, key))}`;
});
new ResizeObserver(arrange).observe(seeing);
painters.add(show);
arrange();
show();
