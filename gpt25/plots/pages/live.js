// A report of a run that is in training. Every so often it opens itself in a hidden frame, where the same script sends
// what the file says now to the page around it; that page takes it over only where it is something new, and stays where
// the reader is. This needs neither a server nor the right to read files. When no answer comes, the file has become a
// page at rest, without this script, and is loaded as a whole. INTERVAL is put in by write_report.
"use strict";
const root = document.documentElement;
const main = document.querySelector("main");

if (window.parent !== window) {
  window.parent.postMessage({ version: root.dataset.version, title: document.title, main: main.innerHTML }, "*");
} else {
  root.dataset.live = "yes";
  let frame = null;

  const takeOver = (news) => {
    const open = [...main.querySelectorAll("details")].map((fold) => fold.open);
    const top = window.scrollY;
    main.innerHTML = news.main;
    main.querySelectorAll("details").forEach((fold, place) => { fold.open = open[place] ?? fold.open; });
    window.scrollTo(0, top);
    document.title = news.title;
    root.dataset.version = news.version;
  };

  window.addEventListener("message", (event) => {
    if (frame === null || event.source !== frame.contentWindow) return;
    frame.remove();
    frame = null;
    if (event.data.version !== root.dataset.version) takeOver(event.data);
  });

  setInterval(() => {
    if (document.hidden || frame !== null) return;  // a page in the background waits until somebody looks at it
    const requested = frame = document.createElement("iframe");
    frame.hidden = true;
    frame.src = `${location.pathname}?now=${Date.now()}`;
    frame.addEventListener("load", () => setTimeout(() => { if (frame === requested) location.reload(); }, 1000));
    document.body.append(frame);
  }, INTERVAL);
}
