// Maps of colours over layers, heads and positions: tables whose cells are coloured, every figure under the pointer.

heatMaps(picture, content);
for (const note of content.notes) {
  make("h2", {text: note.heading});
  for (const line of note.lines) make("p", {class: "note", text: line});
}
