// One text on the page: its tokens, each with its probability, and how it goes on from another token.
import {alternativesAt, hideAlternatives} from "/playground/alternatives.js";
import {copyText, make, percent} from "/playground/page_tools.js";

const HALF = /^bytes:((?:\\x[0-9a-f]{2})+)$/;
const END = /^<\|[^|]+\|>$/;  // the token at which a text ends is listed, and is no part of the text
const encoder = new TextEncoder();

/** How strongly a token is shaded, 0 to 1: not at all at probability 1, fully from one in a thousand on. */
export const surprise = (probability) => Math.min(1, -Math.log10(Math.max(probability, 1e-9)) / 3);

/** The background of a token of that probability. */
export const shadeOf = (probability) =>
  `color-mix(in srgb, var(--shade) ${Math.round(72 * surprise(probability))}%, transparent)`;

/** The bytes that a token stands for: half a letter is written as bytes:\xe2\x80. */
function bytesOf(token) {
  const half = HALF.exec(token);
  if (half === null) return encoder.encode(token);
  return Uint8Array.from(half[1].split("\\x").slice(1), (digits) => parseInt(digits, 16));
}

/** A text that grows. `goOn(text, prompt)` is called where the reader chooses another token. */
export class WrittenText {
  constructor(parent, {model, title, prompt, goOn, take, look}) {
    this.model = model;
    this.prompt = prompt;
    this.fixed = prompt;  // what the text began with when it was last asked for
    this.streamed = "";  // and what has come since; the server's word, where tokens and text part at the end
    this.entries = [];  // {token, probability, others: [[token, probability], ...], span}
    this.decoder = new TextDecoder();
    this.goOn = goOn;
    this.element = make("article", {class: "text card writing"}, parent);
    const header = make("header", {}, this.element);
    make("b", {text: title}, header);
    this.state = make("span", {}, header);
    this.body = make("div", {class: "tokens", tabindex: "0", role: "group", "aria-label": `${title}, token by token`}, this.element);
    this.given = make("span", {class: "given", text: prompt}, this.body);
    const footer = make("footer", {}, this.element);
    for (const [words, act] of [["Take as prompt", take], ["Copy text", copyText], ["Look inside", look]]) {
      make("button", {type: "button", text: words}, footer).addEventListener("click", () => act(this.text));
    }
    this.body.addEventListener("keydown", (event) => this.walk(event));
    this.body.addEventListener("pointerover", (event) => this.point(event, false));
    this.body.addEventListener("click", (event) => this.point(event, true));
  }

  /** Prompt and all of the text so far. */
  get text() {
    return this.fixed + this.streamed;
  }

  /** Take in what a stream says of this text. */
  add(choice) {
    const {tokens, token_logprobs: logs, top_logprobs: tops} = choice.logprobs;
    this.streamed += choice.text;
    tokens.forEach((token, place) => {
      const ends = choice.finish_reason === "stop" && place === tokens.length - 1 && END.test(token);
      const others = Object.entries(tops[place]).map(([other, log]) => [other, Math.exp(log)]);
      this.append({token, ends, probability: Math.exp(logs[place]), others: others.sort((a, b) => b[1] - a[1])});
    });
    if (choice.finish_reason !== null) this.end(choice.finish_reason);
  }

  append(entry) {
    const text = entry.ends ? "" : this.decoder.decode(bytesOf(entry.token), {stream: true});
    entry.span = make("span", {class: "token", role: "button", tabindex: "-1", text}, this.body);
    entry.span.style.setProperty("--own", shadeOf(entry.probability));
    entry.span.setAttribute("aria-label", `${entry.token}, ${percent(entry.probability)}`);
    if (text === "") entry.span.classList.add(entry.ends ? "end" : "half");
    if (text.startsWith("\n")) entry.span.classList.add("line");
    if (entry.chosen) entry.span.classList.add("chosen");
    entry.span.dataset.place = this.entries.length;
    this.entries.push(entry);
    this.state.textContent = `${this.entries.length} tokens`;
    if (this.body.scrollTop + this.body.clientHeight > this.body.scrollHeight - 60) this.body.scrollTop = this.body.scrollHeight;
  }

  /** Say how the text ended. */
  end(reason) {
    const words = {length: "as long as asked for", stop: "ended by itself", stopped: "stopped"}[reason] ?? reason;
    const rest = this.decoder.decode();  // a letter that was never completed
    if (rest !== "") this.entries.at(-1).span.append(rest);
    this.element.classList.remove("writing");
    this.state.textContent = `${this.entries.length} tokens · ${words}`;
  }

  /** Cut the text before a token, put another in its place, and go on from there. */
  replace(place, [token, probability]) {
    const kept = this.entries.slice(0, place);
    const changed = {token, probability, others: this.entries[place].others, chosen: true};
    for (const entry of this.entries.slice(0, place)) entry.chosen ||= entry.span.classList.contains("chosen");
    this.body.replaceChildren(this.given);
    this.entries = [];
    this.decoder = new TextDecoder();
    for (const entry of [...kept, changed]) this.append(entry);
    this.fixed = this.prompt + decoded(this.entries);
    this.streamed = "";
    this.element.classList.add("writing");
    this.decoder = new TextDecoder();
    this.goOn(this);
  }

  /** Whether the text up to a token is whole letters, so that it can be a prompt. */
  isWhole(place, token) {
    try {
      decoded([...this.entries.slice(0, place), {token}], true);
      return true;
    } catch {
      return false;
    }
  }

  point(event, stay) {
    const span = event.target.closest(".token");
    if (span !== null) alternativesAt(this, Number(span.dataset.place), {stay, focus: false});
  }

  /** Arrows go from token to token, Enter opens the alternatives. */
  walk(event) {
    const spans = this.entries.map((entry) => entry.span);
    const here = spans.indexOf(document.activeElement);
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (step !== undefined && spans.length > 0) {
      const next = Math.min(Math.max(here + step, 0), spans.length - 1);
      spans[next].focus();
      alternativesAt(this, next, {stay: true, focus: false});
      event.preventDefault();
    } else if ((event.key === "Enter" || event.key === " ") && here >= 0) {
      alternativesAt(this, here, {stay: true, focus: true});
      event.preventDefault();
    } else if (event.key === "Escape") hideAlternatives();
  }
}

/** Tokens as a text; with `strict` it throws where they end, or begin, in the middle of a letter. */
function decoded(entries, strict = false) {
  const parts = entries.map((entry) => bytesOf(entry.token));
  const joined = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let place = 0;
  for (const each of parts) {
    joined.set(each, place);
    place += each.length;
  }
  return new TextDecoder("utf-8", {fatal: strict}).decode(joined);
}
