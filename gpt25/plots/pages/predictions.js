// The logit lens: a table of layers and positions; the last layer on top, the text below.

const {tokens, layers, vocabulary, candidates} = content;
const scroll = make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "predictions by layer"});
const table = make("table", {class: "lens"}, scroll);

function row(part, heading, labels) {
  const line = make("tr", {}, part);
  make("th", {text: heading, scope: "row"}, line);
  return labels.map((label) => make("th", {text: label, title: label}, line));
}

row(make("thead", {}, table), "what follows", [...tokens.slice(1), "?"]);
const body = make("tbody", {}, table);
for (let place = layers.length - 1; place >= 0; place--) {
  const line = make("tr", {}, body);
  make("th", {text: layers[place], scope: "row"}, line);
  candidates[place].forEach((cell, position) => {
    const [number, probability] = cell[0];
    const data = make("td", {text: vocabulary[number]}, line);
    make("small", {text: percent(probability)}, data);
    const opacity = Math.round(100 * probability ** 0.6);
    data.style.background = `color-mix(in srgb, var(--blue) ${opacity}%, var(--card))`;
    if (probability > 0.45) data.style.color = "var(--paper)";
    const next = tokens[position + 1];
    listen(data, () => [
      `after ${position} ${tokens[position]}, ${layers[place]}:`,
      ...cell.map(([token, value]) => `${percent(value).padStart(7)}  ${vocabulary[token]}${vocabulary[token] === next ? "  (follows)" : ""}`),
    ].join("\n"));
  });
}
row(make("tfoot", {}, table), "reads", tokens);
make("p", {class: "note", text: "Point at a cell, or tap it, to see the other candidates. · is a space, ↵ a line break."});
