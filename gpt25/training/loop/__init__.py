"""One update after another: `trainer.Trainer` is the room's face, the other files are its parts."""
