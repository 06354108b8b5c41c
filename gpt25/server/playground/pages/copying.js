// The request that the page would send, for whoever wants to send it from elsewhere.
import {chosenModels} from "/playground/models.js";
import {choice, copyText, part} from "/playground/page_tools.js";
import {requestNow} from "/playground/writing.js";

const OPENAI_FIELDS = ["model", "prompt", "max_tokens", "n", "temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "stop"];
const FLAGS = {n: "samples", max_tokens: "max-new-tokens"};
const NOTES = {
  curl: "Where the server asks for a key, it stands in GPT25_API_KEY; elsewhere the header does no harm.",
  python: "With OpenAI's own package: pip install openai. Fields that OpenAI does not have go into extra_body.",
  command: "Name the model as you did for gpt25 serve. The same seed gives the same texts.",
};

/** Quoted for a shell: nothing in it is read as anything but text. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A value as Python writes it. */
const python = (value) => JSON.stringify(value);

function asCurl(fields) {
  const body = quoted(JSON.stringify(fields, null, 2));
  return `curl ${location.origin}/v1/completions \\\n  -H "Authorization: Bearer $GPT25_API_KEY" \\\n`
    + `  -H "Content-Type: application/json" \\\n  -d ${body}`;
}

function asPython(fields) {
  const named = Object.entries(fields).filter(([name]) => OPENAI_FIELDS.includes(name));
  const others = Object.fromEntries(Object.entries(fields).filter(([name]) => !OPENAI_FIELDS.includes(name)));
  const lines = named.map(([name, value]) => `    ${name}=${python(value)},\n`);
  if (Object.keys(others).length > 0) lines.push(`    extra_body=${python(others)},\n`);
  return `import os\n\nfrom openai import OpenAI\n\nclient = OpenAI(base_url="${location.origin}/v1", `
    + `api_key=os.environ.get("GPT25_API_KEY", "none"))\nanswer = client.completions.create(\n${lines.join("")})\n`
    + "for choice in answer.choices:\n    print(choice.text)";
}

function asCommand(fields) {
  const {model, prompt, ...rest} = fields;
  const flags = Object.entries(rest).map(([name, value]) =>
    ` \\\n  --${FLAGS[name] ?? name.replaceAll("_", "-")} ${typeof value === "string" ? quoted(value) : value}`);
  return `gpt25 generate ${model} --prompt ${quoted(prompt)}${flags.join("")}`;
}

const WAYS = {curl: asCurl, python: asPython, command: asCommand};

/** Make the button work. */
export function beginCopying() {
  const choose = choice(part("copying-choice"), {curl: "curl", python: "Python", command: "Command line"}, (way) => {
    part("copying-text").textContent = WAYS[way](requestNow(chosenModels()[0]));
    part("copying-note").textContent = NOTES[way];
    part("copying-copy").textContent = "Copy";
  });
  part("copy").addEventListener("click", () => { choose("curl"); part("copying").showModal(); });
  part("copying-close").addEventListener("click", () => part("copying").close());
  part("copying-copy").addEventListener("click", async () => {
    const copied = await copyText(part("copying-text").textContent);
    if (!copied) getSelection().selectAllChildren(part("copying-text"));
    part("copying-copy").textContent = copied ? "Copied" : "Selected: press Ctrl C";
  });
}
