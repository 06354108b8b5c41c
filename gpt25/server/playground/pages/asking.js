// How the page asks its server: with the key where one is needed, and with errors as words.
import {part} from "/playground/page_tools.js";

let key = null;  // in this page's memory only
let asking = null;  // the question for the key, while it is open

/** What the server, or the way to it, had to object. */
export class Problem extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/** The JSON that an address answers with; a body makes it a POST. */
export async function ask(address, body = null, signal = undefined) {
  const response = await answered(address, body, signal);
  return response.json();
}

/** The objects of a stream of events, one after another, until [DONE]. */
export async function* streamed(address, body, signal) {
  const response = await answered(address, body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  while (true) {
    const {done, value} = await reading(reader);
    if (done) throw new Problem("The answer broke off before its end.");
    const events = (waiting + value).split("\n\n");
    waiting = events.pop();
    for (const event of events) {
      const content = event.replace(/^data: /, "");
      if (content === "[DONE]") return;
      const object = JSON.parse(content);
      if (object.error) throw new Problem(inWords(object.error.message));
      yield object;
    }
  }
}

async function reading(reader) {
  try {
    return await reader.read();
  } catch (problem) {
    throw problem.name === "AbortError" ? problem : new Problem("The answer broke off before its end.");
  }
}

async function answered(address, body, signal) {
  while (true) {
    const response = await fetched(address, body, signal);
    if (response.ok) return response;
    const message = await messageOf(response);
    if (response.status !== 401) throw new Problem(inWords(message), response.status);
    await keyGiven();
  }
}

async function fetched(address, body, signal) {
  const headers = key === null ? {} : {Authorization: `Bearer ${key}`};
  const request = {headers, signal, cache: "no-store"};
  if (body !== null) {
    headers["Content-Type"] = "application/json";
    Object.assign(request, {method: "POST", body: JSON.stringify(body)});
  }
  try {
    return await fetch(address, request);
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Problem("The server does not answer. Is it still running?");
  }
}

async function messageOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `the server answered with status ${response.status}.`;
  }
}

/** A sentence begins with a capital, unless its first word is the name of a field. */
function inWords(message) {
  return /^[a-z]+(_|\b(?= (is|must|was) ))/.test(message) ? message : message[0].toUpperCase() + message.slice(1);
}

/** Wait for the reader to give a key; whoever else needs it waits for the same question. */
function keyGiven() {
  asking ??= new Promise((resolve) => {
    const dialog = part("key");
    dialog.addEventListener("close", () => {
      key = part("key-field").value;
      part("key-field").value = "";
      asking = null;
      resolve();
    }, {once: true});
    dialog.showModal();
  });
  return asking;
}
