// Positional embeddings: the matrix, columns as curves, similarity and spectrum, for every model.

function section(model) {
  const embeddings = dequantised(model.embeddings), similarity = dequantised(model.similarity), spectrum = dequantised(model.spectrum);
  const [positions, channels] = embeddings.shape;
  const at = (position, column) => embeddings.values[position * channels + column];
  let columns = content.columns.slice();
  const box = make("section");
  if (content.models.length > 1) make("h2", {text: model.headline}, box);

  map(box, "Positional embeddings", "grey from low to high; click to see a column as a curve", positions, channels,
    greys(embeddings.values), (position, column) =>
      `position ${position}, column ${column}: ${figure(at(position, column))}\nroughness of the column: ${model.roughness[column]}`,
    "column", (_, column) => { columns = [...columns.slice(-5), column]; input.value = columns.join(", "); drawCurves(); });

  const controls = make("div", {class: "controls"}, box);
  const label = make("label", {text: `columns, 0 to ${channels - 1}`}, controls);
  const input = make("input", {type: "text", value: columns.join(", "), inputmode: "numeric"}, label);
  input.addEventListener("change", () => {
    columns = input.value.split(/[^0-9]+/).filter(Boolean).map(Number).filter((column) => column < channels);
    drawCurves();
  });
  const curves = make("div", {}, box);
  function drawCurves() {
    curves.textContent = "";
    const line = (values) => (column, n) =>
      ({name: `column ${column}, roughness ${model.roughness[column]}`, colour: COLOURS[n % COLOURS.length], points: values(column)});
    chart(curves, "Columns as curves", columns.map(line((column) =>
      Array.from({length: positions}, (_, position) => [position, at(position, column)]))), {across: "position"});
    const frequencies = spectrum.shape[0];
    const power = (column) => Array.from({length: frequencies - 1}, (_, n) => [n + 1, spectrum.values[(n + 1) * channels + column]]);
    const noise = 1 / (frequencies - 1);
    chart(curves, "Spectrum", [...columns.map(line(power)),
      {name: "white noise", colour: "var(--faint)", dashed: true, points: [[1, noise], [frequencies - 1, noise]]}],
    {across: `waves over all ${positions} positions`, unit: "waves", down: "share of the column's variance", logarithmic: "x"});
  }
  drawCurves();

  map(box, "Similarity of positions", "cosine: red alike, blue opposite", positions, positions, (position, other) => {
    const cosine = similarity.values[position * positions + other];
    return cosine > 0 ? blend([247, 247, 247], [178, 24, 43], cosine) : blend([247, 247, 247], [33, 102, 172], -cosine);
  }, (position, other) => `positions ${position} and ${other}: cosine ${figure(similarity.values[position * positions + other])}`, "position");
}

// Grey from black to white; the few values that are far larger than the others do not set the scale.
function greys(values) {
  const sizes = Float32Array.from(values, Math.abs).sort();
  const limit = sizes[Math.floor(0.99 * (sizes.length - 1))] || 1;
  return (row, column, width) => {
    const grey = 127.5 + 127.5 * Math.max(-1, Math.min(1, values[row * width + column] / limit));
    return [grey, grey, grey];
  };
}

// A map of colours under a heading, its rows the positions.
function map(parent, title, remark, rows, width, colour, textAt, across, whenClicked) {
  const box = make("figure", {}, parent);
  const caption = make("figcaption", {}, box);
  make("b", {text: title}, caption);
  make("span", {text: remark}, caption);
  const canvas = make("canvas", {role: "img", "aria-label": title}, make("div", {class: "frame"}, box));
  canvas.style.width = "100%";
  if (across === "position") canvas.style.aspectRatio = "1";
  else canvas.style.height = "420px"; // one height for all models, however many positions they have
  if (across === "position") box.classList.add("square");
  canvas.style.imageRendering = rows > 300 ? "auto" : "pixelated";
  paint(canvas, rows, width, (row, column) => colour(row, column, width));
  const axis = make("div", {class: "axis"}, box);
  make("span", {text: `${across} 0`}, axis);
  make("span", {text: "down: position"}, axis);
  make("span", {text: `${width - 1}`}, axis);
  listen(canvas, (event) => textAt(...pixelUnder(canvas, event)));
  if (whenClicked) canvas.addEventListener("click", (event) => whenClicked(...pixelUnder(canvas, event)));
}

picture.classList.toggle("beside", content.models.length > 1);
content.models.forEach(section);
