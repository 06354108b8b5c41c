"""The report's style sheet: one column, system fonts, light and dark by the reader's own setting."""

REPORT_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --card: #f6f7f9; --ink: #1b2030; --faint: #5d6679; --line: #e3e6eb;
  --blue: #2f6bde; --orange: #d9541e; --bar: #b9c2d0; --alarm: #c81e1e; --mark: #2f6bde14; }
@media (prefers-color-scheme: dark) { :root { --paper: #12151c; --card: #1b1f29; --ink: #e8eaf0; --faint: #98a1b3;
  --line: #2b313e; --blue: #7aa5ff; --orange: #ff9466; --bar: #4a5468; --alarm: #ff7b7b; --mark: #7aa5ff1f; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 56px 24px 72px; }
.eyebrow { margin: 0 0 8px; color: var(--faint); font-size: 13px; letter-spacing: .04em; overflow-wrap: anywhere; }
h1 { margin: 0 0 14px; font-size: clamp(27px, 5vw, 38px); line-height: 1.16; letter-spacing: -.015em;
  text-wrap: balance; overflow-wrap: anywhere; }
h2 { margin: 60px 0 6px; font-size: 21px; line-height: 1.3; letter-spacing: -.005em; }
h2 + p { margin-top: 0; }
p { margin: 0 0 14px; max-width: 68ch; overflow-wrap: anywhere; }
.lead { font-size: 18.5px; margin-bottom: 0; }
.note { color: var(--faint); font-size: 14.5px; }
.alarm-note { color: var(--alarm); }
.tiles { display: flex; flex-wrap: wrap; gap: 1px; margin: 32px 0 0; padding: 0; background: var(--line);
  border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
.tiles div { flex: 1 1 30%; background: var(--paper); padding: 14px 18px 15px; }
.tiles dt { color: var(--faint); font-size: 13px; }
.tiles dd { margin: 1px 0 0; font-size: 22px; font-weight: 620; font-variant-numeric: tabular-nums;
  letter-spacing: -.01em; }
.tiles small { display: block; font-size: 12.5px; font-weight: 400; color: var(--faint); letter-spacing: 0; }
figure { margin: 20px 0 0; }
figure + figure { margin-top: 36px; }
figcaption { display: flex; flex-wrap: wrap; gap: 2px 20px; font-size: 14px; color: var(--faint); margin-bottom: 6px; }
figcaption b { color: var(--ink); font-weight: 600; }
.key::before { content: ""; display: inline-block; width: 18px; height: 0; border-top: 2.5px solid var(--blue);
  vertical-align: middle; margin-right: 7px; }
.key.validation::before { width: 10px; height: 10px; border: 2px solid var(--orange); border-radius: 50%; }
.key.held-out::before { width: 9px; height: 9px; border: 0; background: var(--orange); transform: rotate(45deg); }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
.narrow { display: none; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .tick, svg .title { fill: var(--faint); font-size: 13px; font-variant-numeric: tabular-nums; }
svg polyline { fill: none; stroke-linejoin: round; stroke-linecap: round; }
svg .raw { stroke: var(--blue); stroke-width: 1; opacity: .28; }
svg .smooth { stroke: var(--blue); stroke-width: 2.25; }
svg polyline.validation { stroke: var(--orange); stroke-width: 1.25; stroke-dasharray: 1 4; }
svg .point { fill: var(--paper); stroke: var(--blue); stroke-width: 2; }
svg .point.validation { stroke: var(--orange); }
svg .held-out { fill: var(--orange); stroke: var(--paper); stroke-width: 1.5; }
svg .point:hover { fill: currentColor; }
svg .level-name { fill: var(--ink); font-size: 12.5px; paint-order: stroke; stroke: var(--paper); stroke-width: 5px;
  stroke-linejoin: round; }
svg .level { stroke: var(--faint); stroke-width: 1.2; stroke-dasharray: 6 4; }
.line-0 { --own: var(--blue); } .line-1 { --own: var(--orange); } .line-2 { --own: #1f9c7d; }
.line-3 { --own: #a956bd; } .line-4 { --own: #b0830f; } .line-5 { --own: #d0456f; }
svg polyline[class^=line] { stroke: var(--own); stroke-width: 2; }
svg circle[class^=line] { fill: var(--paper); stroke: var(--own); stroke-width: 2; }
.swatch { display: inline-block; width: 18px; border-top: 3px solid var(--own); vertical-align: middle;
  margin-right: 7px; }
.scroll { overflow-x: auto; }
.scroll td, .scroll th { overflow-wrap: normal; min-width: 5em; padding-right: 16px; font-size: 14.5px; }
.scroll td:last-child { min-width: 11em; }
.pictures { display: flex; flex-wrap: wrap; gap: 20px; }
.pictures figure { flex: 1 1 300px; margin: 0; }
.pictures img { width: 100%; border-radius: 6px; display: block; }
svg .alarm { fill: var(--alarm); font-size: 15px; font-weight: 700; }
svg .strip { fill: transparent; }
svg .strip:hover { fill: var(--mark); }
table { border-collapse: collapse; width: 100%; margin: 18px 0 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); vertical-align: middle;
  overflow-wrap: anywhere; }
thead th { color: var(--faint); font-size: 13px; font-weight: 500; padding-top: 0; }
tbody th { font-weight: 500; white-space: nowrap; }
td.number { text-align: right; white-space: nowrap; width: 1%; }
thead th.number { text-align: right; white-space: nowrap; }
td.bar { width: 55%; padding-right: 0; padding-left: 10px; }
td.bar i { display: block; height: 14px; border-radius: 3px; background: var(--bar); min-width: 2px; }
.own th, .own td { font-weight: 650; }
.own td.bar i { background: var(--blue); }
h3 { margin: 24px 0 0; font-size: 16px; }
.scroll .scores th, .scroll .scores td { white-space: normal; overflow-wrap: anywhere; min-width: 4em; }
.scroll .scores th:first-child { width: 30%; }
.scroll .scores :is(td, th):last-child { min-width: 9em; padding-right: 0; }
.scroll .scores td:nth-child(2) { white-space: nowrap; width: 1%; }
.scores small { display: block; color: var(--faint); font-size: 12.5px; line-height: 1.4; }
.facts th { width: 34%; color: var(--faint); font-weight: 400; white-space: normal; }
.sample { margin: 16px 0 0; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.sample header { padding: 8px 14px; font-size: 13px; color: var(--faint); border-bottom: 1px solid var(--line); }
pre { margin: 0; padding: 13px 14px; background: var(--card); white-space: pre-wrap; overflow-wrap: anywhere;
  font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; tab-size: 4;
  max-height: 340px; overflow: auto; }
.prompt { color: var(--blue); font-weight: 600; }
pre.commands { border-radius: 10px; border: 1px solid var(--line); margin-top: 14px; }
details { margin-top: 16px; }
summary { cursor: pointer; color: var(--faint); }
summary:hover { color: var(--ink); }
details pre { margin-top: 12px; border-radius: 10px; border: 1px solid var(--line); }
footer { margin-top: 64px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--faint);
  font-size: 13.5px; }
@media (max-width: 620px) {
  main { padding: 32px 16px 48px; }
  h2 { margin-top: 48px; }
  .lead { font-size: 17px; }
  .tiles div { flex-basis: 40%; padding: 11px 14px 12px; }
  .tiles dd { font-size: 18px; }
  .wide { display: none; }
  .narrow { display: block; }
  td.bar { width: 36%; }
}
@media print { details > * { display: block; } pre { max-height: none; } }
"""
