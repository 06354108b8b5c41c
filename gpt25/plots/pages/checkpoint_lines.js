// Figures over a run's checkpoints: the strongest lines, every value under the pointer.

const shown = content.lines.map((line, place) => ({
  name: line.name, colour: COLOURS[place % COLOURS.length], points: line.points.filter(([, value]) => value !== null),
}));
chart(picture, content.label, shown, {across: "update", unit: "update"});
if (content.all > shown.length) {
  make("p", {class: "note", text: `The ${shown.length} of ${content.all} that reach farthest from 0.`});
}
