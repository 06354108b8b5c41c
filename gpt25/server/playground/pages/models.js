// Which models the server has, and which are chosen.
import {ask} from "/playground/asking.js";
import {complain, make, part} from "/playground/page_tools.js";
import {boundTokens} from "/playground/sampler.js";

const AGAIN_MILLISECONDS = 1000;
let known = [];

/** The names of the chosen models: one, or two side by side. */
export function chosenModels() {
  const names = [part("model").value, part("beside").value];
  return names.filter((name, place) => name !== "" && names.indexOf(name) === place);
}

/** What the server says of a model. */
export const described = (name) => known.find((model) => model.id === name);

/** Fill the choices; while the models are being loaded, wait for them. `changed` is called with the chosen one. */
export async function beginModels(changed) {
  known = await listed();
  for (const {id} of known) {
    make("option", {value: id, text: id}, part("model"));
    make("option", {value: id, text: id}, part("beside"));
  }
  part("beside-label").hidden = known.length < 2;
  const choose = () => {
    boundTokens(described(part("model").value).max_model_len);
    changed(part("model").value);
  };
  part("model").addEventListener("change", choose);
  choose();
}

async function listed() {
  while (true) {
    try {
      const {data} = await ask("/v1/models");
      complain(null);
      return data;
    } catch (problem) {
      complain(problem);
      if (problem.status !== 503 && problem.status !== 0) throw problem;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MILLISECONDS));
    }
  }
}
