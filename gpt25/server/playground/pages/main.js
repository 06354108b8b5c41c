// Where the page begins: the tabs, and what each of them does when it is opened.
import {beginCopying} from "/playground/copying.js";
import {beginInside, lookInside} from "/playground/inside.js";
import {beginModels, described} from "/playground/models.js";
import {complain, part} from "/playground/page_tools.js";
import {followTraining} from "/playground/training.js";
import {beginWriting} from "/playground/writing.js";

const TABS = ["write", "inside", "training"];

function open(name) {
  for (const tab of TABS) {
    const button = part(`tab-${tab}`);
    button.setAttribute("aria-selected", tab === name);
    button.tabIndex = tab === name ? 0 : -1;
    part(tab).hidden = tab !== name;
  }
  part("beside-label").classList.toggle("idle", name !== "write");
  if (name === "inside") lookInside();
  followTraining(name === "training" ? part("model").value : null);
}

function beginTabs() {
  for (const name of TABS) {
    const button = part(`tab-${name}`);
    button.addEventListener("click", () => open(name));
    button.addEventListener("keydown", (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (step === undefined) return;
      const seen = TABS.filter((tab) => !part(`tab-${tab}`).hidden);
      const next = seen[(seen.indexOf(name) + step + seen.length) % seen.length];
      open(next);
      part(`tab-${next}`).focus();
    });
  }
}

beginTabs();
beginCopying();
beginInside();
beginWriting((text) => {
  part("inside-text").value = text;
  open("inside");
});
beginModels((name) => {
  part("tab-training").hidden = !described(name).is_run;
  const here = TABS.find((tab) => !part(tab).hidden);
  open(here === "training" && part("tab-training").hidden ? "write" : here);
}).catch(complain);
