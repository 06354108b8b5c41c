"use strict";
// What all pictures share: arrays out of the page, elements, a tooltip, colour maps, line charts.

const content = JSON.parse(document.getElementById("content").textContent);
const picture = document.getElementById("picture");
const tip = document.getElementById("tip");
const COLOURS = ["#4a84f0", "#e0662f", "#1f9d7f", "#b058c8", "#b8860b", "#d8497a", "#6a9a2a", "#2a9cbc"];
picture.textContent = "";

// A new element: make("p", {text: "content", class: "note"}, parent). Text never becomes markup.
function make(tag, attributes = {}, parent = picture) {
  const svg = parent.namespaceURI && parent.namespaceURI.endsWith("svg");
  const element = svg || tag === "svg" ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  parent.append(element);
  return element;
}

// An array that Python quantised (page_arrays.py): {shape, values}, row after row.
function dequantised(packed) {
  const bytes = Uint8Array.from(atob(packed.numbers), (character) => character.charCodeAt(0));
  const levels = new DataView(bytes.buffer);
  const step = (packed.high - packed.low) / 65535;
  const values = new Float32Array(bytes.length / 2);
  for (let n = 0; n < values.length; n++) values[n] = packed.low + step * levels.getUint16(2 * n, true);
  return {shape: packed.shape, values};
}

// A number in three significant digits, or in more.
function figure(value, digits = 3) {
  if (value === null || !Number.isFinite(value)) return "none";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(digits - 1);
  return value.toLocaleString("en", {maximumSignificantDigits: digits});
}

function percent(value) {
  return value >= 0.0995 ? `${(100 * value).toFixed(0)} %` : `${(100 * value).toFixed(value >= 0.00995 ? 1 : 2)} %`;
}

function showTip(event, text) {
  tip.textContent = text;
  const box = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, window.innerWidth - box.width - 6);
  const below = event.clientY + 18 + box.height < window.innerHeight;
  tip.style.left = `${Math.max(6, left)}px`;
  tip.style.top = `${below ? event.clientY + 18 : event.clientY - box.height - 12}px`;
  tip.style.visibility = "visible";
}

// A tooltip for the place under the pointer, hidden when it leaves; after a tap it stays until the next one.
function listen(element, textAt) {
  for (const kind of ["pointermove", "pointerdown"]) {
    element.addEventListener(kind, (event) => {
      const text = textAt(event);
      if (text) showTip(event, text);
      else hideTip();
    });
  }
  element.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") hideTip();
  });
}

function hideTip() {
  tip.style.visibility = "hidden";
}
window.addEventListener("scroll", hideTip, {passive: true});
document.addEventListener("pointerdown", hideTip, {capture: true});

function colourOf(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

const blend = (from, to, fraction) => from.map((start, channel) => start + (to[channel] - start) * fraction);

// Everything that paints with the page's own colours paints again when the reader turns the light on or off.
const painters = new Set();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => painters.forEach((paint) => paint()));

// A canvas with one pixel to a value: paint(canvas, rows, columns, (row, column) => [red, green, blue] or null).
function paint(canvas, rows, columns, colour) {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at += 4) {
      const dot = colour(row, column);
      if (dot === null) continue;
      image.data[at] = dot[0];
      image.data[at + 1] = dot[1];
      image.data[at + 2] = dot[2];
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

// Which pixel of a canvas the pointer is on: [row, column].
function pixelUnder(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const within = (part, size, count) => Math.max(0, Math.min(count - 1, Math.floor((part / size) * count)));
  return [within(event.clientY - box.top, box.height, canvas.height),
    within(event.clientX - box.left, box.width, canvas.width)];
}

// Round numbers between two limits; powers of ten on a logarithmic axis.
function ticks(low, high, most, logarithmic) {
  const found = [];
  if (logarithmic) {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    const step = Math.max(1, Math.ceil((last - first) / most));
    for (let power = first; power <= last; power += step) found.push(10 ** power);
    return found;
  }
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999999);
  for (let n = Math.ceil(low / step - 1e-9); n <= Math.floor(high / step + 1e-9); n++) found.push(n * step || 0);
  return found;
}

// A tick with as many decimals as tell it from its neighbours.
function tickLabel(value, all) {
  const step = all.length > 1 ? all[1] - all[0] : Math.abs(value);
  if (step <= 0 || value >= 1e6) return figure(value);
  const decimals = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step) - 1e-9)));
  const finer = Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6 ? 1 : 0;
  return value.toLocaleString("en", {minimumFractionDigits: decimals + finer, maximumFractionDigits: decimals + finer});
}

// Lines against an axis, every value under the pointer.
// lines: [{name, points: [[x, y], …], colour, dashed, hasKey}]; axes: {across, down, logarithmic: "", "x", "y" or "xy",
// unit: what the tip calls the horizontal axis, whole: whether it has whole numbers only, digits: of values in the tip,
// zero: whether 0 must be on the vertical axis}.
function chart(parent, title, lines, axes) {
  const figureBox = make("figure", {}, parent);
  const caption = make("figcaption", {}, figureBox);
  make("b", {text: title}, caption);
  if (axes.down) make("span", {text: axes.down}, caption);
  const legend = make("div", {class: "legend"}, figureBox);
  for (const line of lines.filter(({hasKey}) => hasKey !== false)) {
    const key = make("span", {}, legend);
    const swatch = make("i", {class: line.dashed ? "dashed" : ""}, key);
    swatch.style.borderColor = line.colour;
    key.append(line.name);
  }
  const width = parent.clientWidth && parent.clientWidth < 520 ? 358 : axes.width || 812;
  const height = Math.round(width < 400 ? 270 : width * 0.42), left = 58, right = width - 12, top = 12, bottom = height - 44;
  const logX = (axes.logarithmic || "").includes("x"), logY = (axes.logarithmic || "").includes("y");
  const drawable = ([x, y]) => Number.isFinite(y) && (!logY || y > 0) && (!logX || x > 0);
  const points = lines.flatMap((line) => line.points.filter(drawable));
  if (!points.length) return make("p", {class: "note", text: "There is nothing to draw here."}, figureBox);
  const limits = (values, logarithmic, zero) => {
    let low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    if (zero) low = Math.min(0, low);
    if (low === high) [low, high] = logarithmic ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
    return [low, high];
  };
  const [x0, x1] = limits(points.map(([x]) => x), logX, false);
  const [y0, y1] = limits(points.map(([, y]) => y), logY, axes.zero);
  const scale = (low, high, from, to, logarithmic) => logarithmic
    ? (value) => from + (to - from) * Math.log(value / low) / Math.log(high / low)
    : (value) => from + (to - from) * (value - low) / (high - low);
  const across = scale(x0, x1, left, right, logX), down = scale(y0, y1, bottom, top, logY);
  const svg = make("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title}, figureBox);
  const ticksDown = ticks(y0, y1, 5, logY);
  for (const tick of ticksDown) {
    make("line", {class: "grid", x1: left, x2: right, y1: down(tick), y2: down(tick)}, svg);
    make("text", {class: "tick", x: left - 8, y: down(tick) + 4, "text-anchor": "end",
      text: logY ? figure(tick) : tickLabel(tick, ticksDown)}, svg);
  }
  for (const tick of ticks(x0, x1, width < 400 ? 4 : 8, logX)) {
    if (axes.whole && !Number.isInteger(tick)) continue;
    make("text", {class: "tick", x: across(tick), y: bottom + 18, "text-anchor": "middle", text: figure(tick, 4)}, svg);
  }
  make("text", {class: "title", x: right, y: height - 6, "text-anchor": "end", text: axes.across}, svg);
  for (const line of lines) {
    const places = line.points.filter(drawable).map(([x, y]) => `${across(x).toFixed(1)},${down(y).toFixed(1)}`);
    const drawn = make("polyline", {class: "line", points: places.join(" ")}, svg);
    drawn.style.stroke = line.colour;
    if (line.dashed) drawn.style.strokeDasharray = "5 4";
    for (const place of line.points.length <= 60 && !line.dashed ? places : []) {
      const [cx, cy] = place.split(",");
      make("circle", {cx, cy, r: 2.4, fill: line.colour}, svg);
    }
  }
  const cursor = make("line", {class: "cursor", y1: top, y2: bottom, visibility: "hidden"}, svg);
  const everywhere = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const values = lines.map((line) => new Map(line.points));
  listen(svg, (event) => {
    const box = svg.getBoundingClientRect();
    const place = (event.clientX - box.left) * width / box.width;
    const nearest = everywhere.reduce((a, b) => Math.abs(across(b) - place) < Math.abs(across(a) - place) ? b : a);
    cursor.setAttribute("x1", across(nearest));
    cursor.setAttribute("x2", across(nearest));
    cursor.setAttribute("visibility", "visible");
    const said = lines.map((line, n) => [line.name, values[n].get(nearest)]).filter(([, value]) => value !== undefined);
    const where = `${axes.unit || axes.across} ${figure(nearest, 6)}`;
    return [where, ...said.map(([name, value]) => `${name}: ${figure(value, axes.digits)}`)].join("\n");
  });
  svg.addEventListener("pointerleave", () => cursor.setAttribute("visibility", "hidden"));
  return figureBox;
}

// A choice among options, under a heading: choice(parent, "layer", ["0", "1"], (place) => …).
function choice(parent, heading, options, whenChosen) {
  const label = make("label", {text: heading}, parent);
  const select = make("select", {}, label);
  options.forEach((option, place) => make("option", {value: place, text: option}, select));
  select.addEventListener("change", () => whenChosen(Number(select.value)));
  return select;
}
