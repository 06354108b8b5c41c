// The sampler's settings: fields for each, and what is sent of them. What stands at "off" is not sent at all.
import {make, part} from "/playground/page_tools.js";

const shown = (digits) => (value) => Number(value).toFixed(digits);
const SETTINGS = [
  {name: "max_tokens", words: "tokens of each text", kind: "range", min: 1, max: 512, step: 1, value: 48},
  {name: "n", words: "texts side by side", kind: "range", min: 1, max: 8, step: 1, value: 2},
  {name: "temperature", words: "temperature", kind: "range", min: 0, max: 2, step: 0.05, value: 1, show: shown(2),
   help: "below 1 bolder for the likely, above 1 more even; 0 always takes the likeliest"},
  {name: "top_p", words: "top p", kind: "range", min: 0.05, max: 1, step: 0.05, value: 1, off: 1, show: shown(2),
   help: "only the fewest likeliest tokens that together hold this probability"},
  {name: "top_k", words: "top k", kind: "range", min: 0, max: 200, step: 1, value: 0, off: 0,
   help: "only the k likeliest tokens"},
  {name: "min_p", words: "min p", kind: "range", min: 0, max: 0.5, step: 0.01, value: 0, off: 0, show: shown(2),
   help: "only tokens at least this times as likely as the likeliest"},
  {name: "repetition_penalty", words: "repetition penalty", kind: "range", min: 1, max: 2, step: 0.05, value: 1, off: 1,
   show: shown(2), help: "above 1, tokens of the prompt or the text become less likely"},
  {name: "frequency_penalty", words: "frequency penalty", kind: "range", min: -2, max: 2, step: 0.1, value: 0, off: 0,
   show: shown(1), help: "above 0, tokens become less likely each time they stand in the new text"},
  {name: "presence_penalty", words: "presence penalty", kind: "range", min: -2, max: 2, step: 0.1, value: 0, off: 0,
   show: shown(1), help: "above 0, tokens become less likely once they stand in the new text"},
  {name: "seed", words: "seed", kind: "number", min: 0, step: 1, value: "", placeholder: "a fresh one each time"},
  {name: "stop", words: "stop before", kind: "text", value: "", placeholder: "\\n for a line break"},
];
const inputs = {};

/** Put the fields into the page. */
export function showSampler() {
  const parent = part("settings");
  for (const setting of SETTINGS) {
    const box = make("div", {class: "setting", title: setting.help ?? null}, parent);
    const head = make("div", {class: "head"}, box);
    make("label", {for: `setting-${setting.name}`, text: setting.words}, head);
    const output = make("output", {for: `setting-${setting.name}`}, head);
    const {kind, min = null, max = null, step = null, value, placeholder = null} = setting;
    const input = make("input", {id: `setting-${setting.name}`, type: kind, min, max, step, value, placeholder}, box);
    inputs[setting.name] = input;
    const say = () => {
      if (kind === "range") output.textContent = isOff(setting) ? "off" : (setting.show ?? String)(input.value);
    };
    input.addEventListener("input", say);
    input.addEventListener("reset", say);
    say();
  }
  const reset = make("button", {type: "button", text: "Reset"}, parent);
  reset.addEventListener("click", () => {
    for (const setting of SETTINGS) {
      inputs[setting.name].value = setting.value;
      inputs[setting.name].dispatchEvent(new Event("reset"));
    }
  });
}

/** What a request says of the sampler, by the API's names. */
export function samplerFields() {
  const fields = {};
  for (const setting of SETTINGS) {
    const value = inputs[setting.name].value;
    if (setting.kind === "text") {
      if (value !== "") fields[setting.name] = value.replaceAll("\\n", "\n");
    } else if (value !== "" && !isOff(setting)) {
      fields[setting.name] = Number(value);
    }
  }
  return fields;
}

/** Let no more tokens be asked for than a model reads. */
export function boundTokens(blockSize) {
  inputs.max_tokens.max = Math.min(1024, blockSize);
  inputs.max_tokens.dispatchEvent(new Event("input"));
}

function isOff(setting) {
  return setting.off !== undefined && Number(inputs[setting.name].value) === setting.off;
}
