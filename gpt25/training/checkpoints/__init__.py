"""What a checkpoint holds, when one is written, kept and deleted, and which weights a run ends with."""
