// Tables whose cells are coloured by their figures, which pages of maps share.

// The colour of a figure: signed from orange through the paper to blue, a share from the paper to blue, a size by powers.
function heat(value, {kind, low, high}) {
  const paint = (colour, share) => `color-mix(in srgb, var(${colour}) ${Math.round(100 * Math.min(1, share))}%, var(--paper))`;
  if (kind === "size") return paint("--blue", value <= low ? 0.04 : 0.04 + 0.9 * Math.log(value / low) / Math.log(high / low));
  return paint(value < 0 ? "--orange" : "--blue", 0.92 * Math.abs(value) / (high || 1));
}

const strength = (value, {kind, low, high}) =>
  kind === "size" ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : Math.abs(value) / (high || 1);

// Two decimals or fewer, as the pictures have them: 0.0000001 is 0.00.
function short(value) {
  const decimals = Math.abs(value) >= 99.5 ? 0 : Math.abs(value) >= 9.95 ? 1 : 2;
  const options = {minimumFractionDigits: decimals, maximumFractionDigits: decimals};
  return value.toLocaleString("en", options).replace(/^-0\.00$/, "0.00");
}

function heatScale(parent, scale) {
  const steps = scale.kind === "signed" ? [-1, -0.5, 0, 0.5, 1].map((share) => share * scale.high)
    : scale.kind !== "size" ? [0, 0.25, 0.5, 0.75, 1].map((share) => share * scale.high)
      : [0, 0.25, 0.5, 0.75, 1].map((share) => scale.low * (scale.high / scale.low) ** share);
  const row = make("div", {class: "scale", "aria-hidden": "true"}, parent);
  for (const value of steps) {
    const step = make("span", {text: figure(value, 2)}, row);
    step.style.background = heat(value, scale);
    if (strength(value, scale) > 0.6) step.style.color = "var(--paper)";
  }
  make("p", {class: "note", text: scale.label}, parent);
}

// One map with row 0 at the bottom; whenChosen(row, column) makes its cells buttons.
function heatMap(parent, map, scale, whenChosen) {
  const box = make("figure", {class: "heat"}, parent);
  make("b", {text: map.title}, make("figcaption", {}, box));
  const table = make("table", {}, make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": map.title}, box));
  const body = make("tbody", {}, table);
  for (let row = map.rows.length - 1; row >= 0; row--) {
    const line = make("tr", {}, body);
    make("th", {text: map.rows[row], scope: "row", title: map.rows[row]}, line);
    map.values[row].forEach((value, column) => {
      const cell = make("td", {}, line);
      const where = [`${map.down} ${map.rows[row]}`.trim(), `${map.across} ${map.columns[column]}`.trim()].filter(Boolean).join(", ");
      if (value === null) { listen(cell, () => `${where}: none`); return; }
      cell.style.background = heat(value, scale);
      if (strength(value, scale) > 0.6) cell.style.color = "var(--paper)";
      if (map.columns.length <= 16) cell.textContent = short(value);
      listen(cell, () => `${where}\n${figure(value, 4)}`);
      if (whenChosen) {
        cell.classList.add("choice");
        cell.addEventListener("click", () => whenChosen(row, column));
      }
    });
  }
  const foot = make("tr", {}, make("tfoot", {}, table));
  make("th", {text: [map.down, map.across].filter(Boolean).join(" / ")}, foot);
  const upright = map.columns.every((label) => label.length <= 3) ? "upright" : "";
  for (const label of map.columns) make("span", {text: label, class: upright}, make("th", {title: label}, foot));
  return box;
}

function heatMaps(parent, maps) {
  heatScale(parent, maps);
  const room = make("div", {class: "maps"}, parent);
  for (const map of maps.maps) heatMap(room, map, maps);
}
