// Two checkpoints: change, direction and norms by layer, and the singular values of any matrix.

const {names, tensors} = content;
const [nameA, nameB] = names;
const inBlocks = tensors.filter((tensor) => tensor.layer !== null);
const parts = [...new Set(inBlocks.map((tensor) => tensor.part))];
const isMatrix = (part) => part.endsWith("weight") && !part.includes("norm");
const plain = (part) => part.replace(/\.weight$/, "").replace(/_/g, " ").replace(/\./g, ": ");

const controls = make("div", {class: "controls"});
choice(controls, "what of each block", ["matrices", "vectors (biases and layer norms)"], (place) => draw(place === 0));
const charts = make("div");

function draw(matrices) {
  charts.textContent = "";
  const shown = parts.filter((part) => isMatrix(part) === matrices);
  const lines = (value, dashed = false) => shown.map((part, n) => ({
    name: plain(part) + (dashed ? ", A" : ""), colour: COLOURS[n % COLOURS.length],
    dashed, hasKey: !dashed,
    points: inBlocks.filter((tensor) => tensor.part === part).map((tensor) => [tensor.layer, value(tensor)])
      .filter(([, figureOf]) => figureOf !== null),
  }));
  const axes = {across: "layer", whole: true};
  chart(charts, "Relative change", lines((tensor) => tensor.change), {...axes, down: "‖B − A‖ / ‖A‖", zero: true});
  chart(charts, "Direction", lines((tensor) => tensor.cosine), {...axes, down: "cosine of A and B", digits: 6});
  chart(charts, "Norm", [...lines((tensor) => tensor.norms[1]), ...lines((tensor) => tensor.norms[0], true)],
    {...axes, down: "B; A dashed", zero: true});
}

make("h2", {text: "Every tensor"});
make("p", {class: "note", text: `A is ${nameA}, B is ${nameB}. Choose a matrix to see its singular values below.`});
const table = make("table", {class: "rows"}, make("div", {class: "scroll"}));
const head = make("tr", {}, make("thead", {}, table));
for (const word of ["tensor", "norm A", "norm B", "change", "cosine"]) make("th", {text: word, class: word === "tensor" ? "" : "number"}, head);
const body = make("tbody", {}, table);
const spectra = make("div");
let chosen = null;
for (const tensor of tensors) {
  const line = make("tr", {}, body);
  make("td", {text: tensor.name.replace(/^transformer\./, "")}, line);
  const cosine = tensor.cosine === null ? "none" : tensor.cosine.toFixed(4);
  for (const word of [figure(tensor.norms[0]), figure(tensor.norms[1]), figure(tensor.change), cosine]) {
    make("td", {text: word, class: "number"}, line);
  }
  if (!tensor.spectra) continue;
  line.tabIndex = 0;
  const choose = () => {
    if (chosen) chosen.removeAttribute("aria-selected");
    chosen = line;
    line.setAttribute("aria-selected", "true");
    spectra.textContent = "";
    chart(spectra, `Singular values of ${tensor.name.replace(/^transformer\./, "")}`, [
      {name: `B, ${nameB}`, colour: COLOURS[1], points: tensor.spectra[1]},
      {name: `A, ${nameA}`, colour: "var(--ink)", dashed: true, points: tensor.spectra[0]}, // over B: both show
    ], {across: "largest first", unit: "number", logarithmic: "y"});
  };
  line.addEventListener("click", choose);
  line.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
  if (!chosen) choose();
}
draw(true);
