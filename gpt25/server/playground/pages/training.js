// The tab with a run's loss graph, which asks again as long as the run goes on and somebody looks.
import {ask} from "/playground/asking.js";
import {complain, grouped, make, part} from "/playground/page_tools.js";
import {draw, graph} from "/playground/pictures.js";

const AGAIN_MILLISECONDS = 3000;
let following = null, timer = 0, before = "";

/** Follow the run of a model; null: of none. */
export function followTraining(model) {
  if (model === following) return;
  following = model;
  before = "";
  clearTimeout(timer);
  if (model !== null) look(model);
}

async function look(model) {
  let goesOn = true;
  if (!document.hidden) {
    try {
      const found = await ask(`/training/${encodeURIComponent(model)}`);
      if (following !== model) return;
      complain(null);
      goesOn = !found.finished;
      const now = JSON.stringify(found);
      if (now !== before) draw(() => show(found));
      before = now;
    } catch (problem) {
      if (following !== model) return;
      complain(problem);
    }
  }
  if (goesOn && following === model) timer = setTimeout(() => look(model), AGAIN_MILLISECONDS);
}

function show({model, title, finished, training, validation, newest, samples}) {
  part("run-title").textContent = title ?? model;
  part("run-state").textContent = finished
    ? `Finished after ${grouped(newest.update ?? 0)} updates. The model that writes is the one that was loaded when the server began.`
    : `In training: update ${grouped(newest.update ?? 0)}. The model that writes stays the one that was loaded when the server began.`;
  part("run-graph").replaceChildren();
  const lines = [{name: "training", points: training}, {name: "validation", points: validation}].filter((line) => line.points.length > 0);
  if (lines.length > 0) graph(part("run-graph"), lines, {x: "update", y: "loss, nats per token", label: "loss by update"});
  else make("p", {class: "note", text: "Nothing has been measured yet."}, part("run-graph"));
  part("run-figures").replaceChildren();
  const last = validation.at(-1);
  for (const [words, value] of [
    ["last validation loss", last && last[1].toFixed(4)],
    ["last training loss", newest.training_loss?.toFixed(4)],
    ["tokens", newest.tokens && grouped(newest.tokens)],
    ["tokens a second", newest.tokens_per_second && grouped(Math.round(newest.tokens_per_second))],
    ["minutes", newest.elapsed_seconds && (newest.elapsed_seconds / 60).toFixed(1)],
  ]) {
    if (!value) continue;
    const box = make("div", {}, part("run-figures"));
    make("dt", {text: words}, box);
    make("dd", {text: value}, box);
  }
  part("run-samples").replaceChildren();
  for (const {update, prompt, text} of [...samples].reverse()) {
    make("h3", {text: `Written after update ${grouped(update)}`}, part("run-samples"));
    const own = make("pre", {class: "sample"}, part("run-samples"));
    make("span", {class: "given", text: prompt}, own);
    own.append(text);
  }
}
