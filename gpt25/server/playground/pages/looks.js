// How each look is drawn.
import {make, percent} from "/playground/page_tools.js";
import {graph, squares, tokenRow} from "/playground/pictures.js";

const mixed = (share) => `color-mix(in srgb, var(--blue) ${Math.round(85 * share)}%, transparent)`;
const largest = (rows) => Math.max(...rows.map((row) => Math.max(...row.map(Math.abs))), 1e-9);

/** The weights of one head: in the text, and as a square. */
export function attention(parent, {tokens, weights, layer, head}) {
  const beside = make("div", {class: "looking"}, parent);
  const buttons = tokenRow(make("div", {}, beside), tokens, shade);
  function shade(looking) {
    buttons.forEach((button, key) => {
      const weight = key > looking ? 0 : weights[looking][key];
      button.style.background = mixed(Math.sqrt(weight));
      button.classList.toggle("later", key > looking);
      button.classList.toggle("here", key === looking);
      button.title = key > looking ? "later: not looked at" : percent(weight);
    });
  }
  const side = make("div", {}, beside);
  const cell = Math.max(2, Math.min(26, Math.floor((side.clientWidth || 320) / tokens.length)));
  squares(side, weights, {
    strength: Math.sqrt, cell, label: `attention weights of layer ${layer}, head ${head}: rows look, columns are looked at`,
    words: (query, key) => `${query} ${tokens[query]}\nlooks at ${key} ${tokens[key]}: ${percent(weights[query][key])}`,
    choose: (query) => shade(Math.min(query, tokens.length - 1)),
  });
  make("p", {class: "note", text: "Rows look, columns are looked at; colours go by the square root of the weight."}, side);
  shade(tokens.length - 1);
}

/** Layers below one another, tokens beside one another, in each cell the likeliest next token. */
export function lens(parent, {tokens, predictions}) {
  const table = make("table", {class: "lens"}, make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "predictions of every layer"}, parent));
  const head = make("tr", {}, make("thead", {}, table));
  make("th", {text: "after", scope: "col"}, head);
  for (const token of tokens) make("th", {text: token, scope: "col"}, head);
  const body = make("tbody", {}, table);
  predictions.forEach((row, layer) => {
    const line = make("tr", {}, body);
    make("th", {scope: "row", text: layer === 0 ? "embeddings" : `layer ${layer - 1}`}, line);
    for (const choices of row) {
      const cell = make("td", {title: choices.map(([token, probability]) => `${token}  ${percent(probability)}`).join("\n")}, line);
      cell.style.background = mixed(choices[0][1]);
      make("span", {text: choices[0][0]}, cell);
      make("small", {text: percent(choices[0][1])}, cell);
    }
  });
}

/** Heads as squares, layer by layer, the perceptrons as one column beside them. */
export function attribution(parent, {tokens, position, predicted, logit, heads, perceptrons, ...rest}, {choosePosition}) {
  showPosition(parent, tokens, position, choosePosition);
  const said = make("p", {}, parent);
  said.append("Behind ", make("b", {text: tokens[position]}), " the model holds ", make("b", {text: predicted}), ` likeliest; its logit is ${logit.toFixed(2)}.`);
  const beside = make("div", {class: "looking even"}, parent);
  const most = Math.max(largest(heads), largest([perceptrons]));
  const strength = (value) => Math.sign(value) * Math.sqrt(Math.abs(value) / most);
  const left = titled(beside, "Heads (columns) of each layer (rows)");
  squares(left, heads, {strength, cell: cellOf(heads[0].length), label: "what each head added",
    words: (layer, head) => `layer ${layer}, head ${head}: ${heads[layer][head].toFixed(3)}`});
  const right = titled(beside, "Sums");
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  bars(right, [
    ["token embedding", rest.token_embedding], ["position", rest.positional_embedding],
    ...heads.map((row, layer) => [`heads of layer ${layer}`, sum(row) + rest.attention_biases[layer]]),
    ...perceptrons.map((value, layer) => [`perceptron of layer ${layer}`, value]),
    ["last bias", rest.final_bias],
  ]);
}

/** The residual stream's norm by layer and token. */
export function norms(parent, {tokens, stream, attention: added, perceptron}) {
  const mean = (rows) => rows.map((row, layer) => [layer, row.slice(1).reduce((sum, each) => sum + each, 0) / Math.max(1, row.length - 1)]);
  if (tokens.length > 1) {
    graph(parent, [{name: "stream", points: mean(stream)}, {name: "added by attention", points: mean(added)}, {name: "added by the perceptron", points: mean(perceptron)}],
      {x: "layer", y: "norm, mean of all tokens but the first", label: "norms by layer", height: 260});
  }
  const own = titled(parent, "The stream before each layer (rows; the last is behind all), at each token (columns)");
  const most = Math.log(1 + largest(stream));
  squares(own, stream, {strength: (value) => Math.log(1 + value) / most, cell: Math.max(3, Math.min(26, Math.floor(own.clientWidth / tokens.length))),
    label: "norm of the residual stream", words: (layer, place) => `before layer ${layer}, ${tokens[place]}: ${stream[layer][place].toFixed(1)}`});
  make("p", {class: "note", text: "Colours go by the logarithm. The first token's stream is often the longest by far: heads that look for nothing look there."}, own);
}

/** The most excited neurons as a table. */
export function neurons(parent, {tokens, position, neurons: found}, {choosePosition}) {
  showPosition(parent, tokens, position, choosePosition);
  const table = make("table", {class: "rows"}, make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "neurons"}, parent));
  const head = make("tr", {}, make("thead", {}, table));
  for (const words of ["layer", "neuron", "activation", "makes likelier"]) make("th", {text: words, scope: "col"}, head);
  const body = make("tbody", {}, table);
  for (const each of found) {
    const row = make("tr", {}, body);
    for (const words of [each.layer, each.neuron, each.activation.toFixed(2)]) make("td", {text: words, class: "number"}, row);
    const promoted = make("td", {class: "mono"}, row);
    for (const token of each.promotes) make("span", {text: token}, promoted);
  }
}

/** Three pictures of all heads. */
export function heads(parent, found, {chooseHead}) {
  const beside = make("div", {class: "looking even"}, parent);
  const kinds = {previous_token: "the token before", duplicate_token: "the same token earlier", induction: "what followed it there"};
  for (const [name, words] of Object.entries(kinds)) {
    const rows = found[name];
    const own = titled(beside, words);
    squares(own, rows, {strength: Math.sqrt, cell: cellOf(rows[0].length), label: `share of attention on ${words}, layers by heads`,
      words: (layer, head) => `layer ${layer}, head ${head}: ${percent(rows[layer][head])}`, choose: chooseHead});
    const best = rows.flatMap((row, layer) => row.map((value, head) => [value, layer, head])).sort((a, b) => b[0] - a[0])[0];
    make("p", {class: "note", text: `Most: layer ${best[1]}, head ${best[2]} with ${percent(best[0])}; by chance ${percent(found.chance[name])}.`}, own);
  }
}

/** Which positions are alike, and a few channels over all of them. */
export function positions(parent, {positions: count, step, similarity, columns, roughness}) {
  const beside = make("div", {class: "looking"}, parent);
  const left = titled(beside, "Cosine of every position with every other");
  squares(left, similarity, {strength: (value) => value, cell: Math.max(1, Math.floor(Math.min(left.clientWidth, 460) / similarity.length)),
    label: "similarity of positions", words: (row, column) => `${row * step} and ${column * step}: ${similarity[row][column].toFixed(2)}`});
  const right = titled(beside, "Channels of the embeddings, position by position");
  graph(right, Object.entries(columns).map(([channel, values]) => ({name: `channel ${channel}`, points: values.map((value, place) => [place, value])})),
    {x: "position", y: "weight", label: "channels by position"});
  make("p", {class: "note", text: `${count.toLocaleString("en")} positions. Roughness ${roughness.toFixed(3)}: 1 is noise, near 0 is smooth.`}, parent);
}

const cellOf = (columns) => Math.max(6, Math.min(56, Math.floor(300 / columns)));

function titled(parent, words) {
  const box = make("div", {}, parent);
  make("h3", {text: words}, box);
  return box;
}

function showPosition(parent, tokens, position, choosePosition) {
  const box = make("div", {class: "look-tokens", role: "group", "aria-label": "tokens of the text"}, parent);
  tokens.forEach((token, place) => {
    const button = make("button", {type: "button", text: token, class: place === position ? "here" : null, "aria-pressed": place === position}, box);
    button.addEventListener("click", () => choosePosition(place));
  });
}

function bars(parent, entries) {
  const most = Math.max(...entries.map(([, value]) => Math.abs(value)), 1e-9);
  const box = make("div", {class: "bars"}, parent);
  for (const [words, value] of entries) {
    make("span", {text: words}, box);
    const bar = make("i", {class: value < 0 ? "against" : null}, make("div", {}, box));
    bar.style.width = `${100 * Math.abs(value) / most}%`;
    make("span", {class: "number", text: value.toFixed(2)}, box);
  }
}
