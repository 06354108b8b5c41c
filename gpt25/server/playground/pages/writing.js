// The tab that writes: one request for each model, its texts side by side as they come.
import {hideAlternatives, watchAlternatives} from "/playground/alternatives.js";
import {streamed} from "/playground/asking.js";
import {chosenModels} from "/playground/models.js";
import {complain, make, part, percent} from "/playground/page_tools.js";
import {samplerFields, showSampler} from "/playground/sampler.js";
import {shadeOf, WrittenText} from "/playground/written_text.js";

const SEEDS = 2 ** 32;
const running = new Set();  // a controller for each request that is being answered
let texts = [];

/** Make the tab work. `look(text)` is called to look inside a text. */
export function beginWriting(look) {
  showSampler();
  showScale();
  watchAlternatives();
  part("prompt-form").addEventListener("submit", (event) => { event.preventDefault(); write(look); });
  part("stop").addEventListener("click", stop);
  part("shade").addEventListener("change", () => part("texts").classList.toggle("plain", !part("shade").checked));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !part("write").hidden) write(look);
    if (event.key === "Escape") stop();
  });
  if (window.innerWidth < 900) part("sampler").open = false;
}

/** What the page would send now, without the stream. */
export function requestNow(model) {
  return {model, prompt: part("prompt").value, ...samplerFields()};
}

function stop() {
  for (const controller of running) controller.abort();
}

function write(look) {
  stop();
  hideAlternatives();
  complain(null);
  part("texts").replaceChildren();
  const models = chosenModels();
  const fields = {...requestNow(models[0])};
  fields.seed ??= Math.floor(Math.random() * SEEDS);  // the same for both models, and known afterwards
  texts = [];
  for (const model of models) {
    const own = Array.from({length: fields.n}, (_, number) => new WrittenText(part("texts"), {
      model,
      title: models.length > 1 ? `${model}, text ${number + 1}` : `text ${number + 1}`,
      prompt: fields.prompt,
      goOn: (text) => goOn(text, fields),
      take: (text) => { part("prompt").value = text; part("prompt").focus(); },
      look,
    }));
    texts.push(...own);
    follow({...fields, model}, own);
  }
}

/** Continue one text from where it stands now. */
function goOn(text, fields) {
  complain(null);
  const left = Math.max(1, fields.max_tokens - text.entries.length);
  follow({...fields, model: text.model, prompt: text.text, n: 1, max_tokens: left}, [text]);
}

/** Ask, and put what comes where it belongs. */
async function follow(fields, own) {
  const controller = new AbortController();
  for (const text of own) text.controller?.abort();
  for (const text of own) text.controller = controller;
  running.add(controller);
  showRunning();
  const began = performance.now();
  let tokens = 0;
  try {
    for await (const chunk of streamed("/v1/completions", {...fields, stream: true, logprobs: 5}, controller.signal)) {
      for (const choice of chunk.choices) {
        own[choice.index].add(choice);
        tokens += choice.logprobs.tokens.length;
      }
      const seconds = (performance.now() - began) / 1000;
      part("status").textContent = `${tokens} tokens in ${seconds.toFixed(1)} s, ${Math.round(tokens / seconds)} a second · seed ${fields.seed}`;
    }
  } catch (problem) {
    for (const text of own) if (text.controller === controller) text.end("stopped");
    if (problem.name !== "AbortError") complain(problem);
  } finally {
    running.delete(controller);
    showRunning();
  }
}

function showRunning() {
  part("stop").hidden = running.size === 0;
  part("start").hidden = running.size > 0;
  document.body.dataset.state = running.size > 0 ? "writing" : "resting";
}

function showScale() {
  for (const probability of [1, 0.3, 0.1, 0.03, 0.01, 0.001]) {
    const step = make("span", {text: percent(probability)}, part("scale"));
    step.style.background = shadeOf(probability);
  }
}
