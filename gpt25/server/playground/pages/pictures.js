// Pictures of numbers: a canvas of squares, bars, and lines; each can be read by pointing at it, and by its words.
import {make, part} from "/playground/page_tools.js";

const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const parsed = (colour) => [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
let repaint = null;  // what is on the page now, for when the colours change

/** Draw again when the reader's setting changes from light to dark or back. */
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repaint?.());

/** Remember how to draw what is on the page, and draw it. */
export function draw(painter) {
  repaint = painter;
  painter();
}

/** Squares of rows: `strength(value)` from -1 (orange) over 0 (paper) to 1 (blue); `words(row, column)` for a pointer. */
export function squares(parent, rows, {strength, words, label, cell = null, choose = null}) {
  const width = Math.max(...rows.map((row) => row.length));
  const canvas = make("canvas", {role: "img", "aria-label": label, width, height: rows.length}, parent);
  if (cell !== null) {
    canvas.style.width = `${cell * width}px`;
    canvas.style.height = `${cell * rows.length}px`;
  }
  const [paper, blue, orange] = ["--paper", "--blue", "--orange"].map((name) => parsed(colourOf(name)));
  const image = new ImageData(width, rows.length);
  rows.forEach((row, y) => row.forEach((value, x) => {
    const share = Math.max(-1, Math.min(1, strength(value)));
    const target = share < 0 ? orange : blue;
    const place = 4 * (y * width + x);
    for (let colour = 0; colour < 3; colour++) {
      image.data[place + colour] = paper[colour] + Math.abs(share) * (target[colour] - paper[colour]);
    }
    image.data[place + 3] = 255;
  }));
  canvas.getContext("2d").putImageData(image, 0, 0);
  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    const place = [event.clientY - box.top, event.clientX - box.left];
    return [Math.floor(place[0] / box.height * rows.length), Math.floor(place[1] / box.width * width)];
  };
  for (const kind of ["pointermove", "pointerdown"]) canvas.addEventListener(kind, (event) => {
    const [row, column] = under(event);
    if (rows[row]?.[column] !== undefined) tip(event, words(row, column));
    else hideTip();
  });
  canvas.addEventListener("pointerleave", hideTip);
  if (choose !== null) canvas.addEventListener("click", (event) => choose(...under(event)));
  return canvas;
}

/** Show words beside the pointer. */
export function tip(event, words) {
  const own = part("tip");
  own.textContent = words;
  own.hidden = false;
  own.style.left = `${Math.max(4, Math.min(event.clientX + 12, window.innerWidth - own.offsetWidth - 6))}px`;
  own.style.top = `${event.clientY + own.offsetHeight + 24 > window.innerHeight ? event.clientY - own.offsetHeight - 10 : event.clientY + 16}px`;
}

export const hideTip = () => { part("tip").hidden = true; };

/** A row of tokens as buttons; `chosen(place)` when one is pointed at, focused or tapped. */
export function tokenRow(parent, tokens, chosen) {
  const box = make("div", {class: "look-tokens", role: "group", "aria-label": "tokens of the text"}, parent);
  return tokens.map((token, place) => {
    const button = make("button", {type: "button", text: token}, box);
    for (const kind of ["pointerenter", "focus", "click"]) button.addEventListener(kind, () => chosen(place));
    if (token.includes("↵")) make("br", {}, box);
    return button;
  });
}

const SVG = "http://www.w3.org/2000/svg";

function drawn(kind, attributes, parent, text = null) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  parent.append(element);
  return element;
}

/** Steps of an axis at round numbers: steps(0, 47) -> [0, 10, 20, 30, 40]. */
export function steps(low, high, most = 5) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const first = Math.ceil(low / size) * size;
  return Array.from({length: Math.floor((high - first) / size + 1e-9) + 1}, (_, count) => Number((first + count * size).toPrecision(10)));
}

/** A graph of lines: lines are {name, points: [[x, y]], kind} with the kinds of the style sheet. */
export function graph(parent, lines, {x, y, label, height = 320}) {
  const width = Math.max(300, parent.clientWidth), left = 54, right = width - 12, top = 12, bottom = height - 40;
  const points = lines.flatMap((line) => line.points);
  const [xs, ys] = [0, 1].map((which) => points.map((point) => point[which]));
  const [low, high] = [Math.min(...xs), Math.max(...xs, Math.min(...xs) + 1e-9)];
  const margin = 0.04 * (Math.max(...ys) - Math.min(...ys) || 1);
  const [least, most] = [Math.min(...ys) - margin, Math.max(...ys) + margin];
  const across = (value) => left + (value - low) / (high - low || 1) * (right - left);
  const up = (value) => bottom - (value - least) / (most - least) * (bottom - top);
  const svg = drawn("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "graph"}, parent);
  for (const value of steps(least, most)) {
    drawn("line", {x1: left, x2: right, y1: up(value), y2: up(value), class: "grid"}, svg);
    drawn("text", {x: left - 8, y: up(value) + 4, "text-anchor": "end"}, svg, value.toLocaleString("en"));
  }
  for (const value of steps(low, high, width / 110).filter(Number.isInteger)) {
    drawn("text", {x: across(value), y: bottom + 18, "text-anchor": "middle"}, svg, value.toLocaleString("en"));
  }
  drawn("text", {x: right, y: height - 4, "text-anchor": "end"}, svg, x);
  drawn("text", {x: left, y: top - 1, "text-anchor": "start", class: "axis-name"}, svg, y);
  lines.forEach((line, number) => {
    const path = line.points.map((point) => `${across(point[0]).toFixed(1)},${up(point[1]).toFixed(1)}`).join(" ");
    drawn("polyline", {points: path, class: `line line-${number}`}, svg);
    if (line.points.length < 40) for (const point of line.points) drawn("circle", {cx: across(point[0]), cy: up(point[1]), r: 3, class: `line-${number}`}, svg);
  });
  const legend = make("div", {class: "legend"}, parent);
  lines.forEach((line, number) => {
    make("i", {class: `line-${number}`}, make("span", {text: line.name}, legend));
  });
  return svg;
}
