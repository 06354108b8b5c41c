"""The table of the house: its floors, their packages, what each may import, and the rooms inside a package.

`test_floors.py` and `test_rooms.py` hold the code to it; `draw_house.py` draws it into docs/figures/house.svg.
"""

FLOORS = (
    ("errors", "version", "lazy_face", "counted", "markup"),
    ("storage", "runtime", "installation"),
    ("model", "tokenizer", "records", "references"),
    ("data", "weights", "kernels"),
    ("training",),
    ("generation", "inspection", "evaluation", "plots"),
    ("figures",),
    ("recipes",),
    ("server",),
    ("cli",),
)
"""From the ground to the roof. A package imports from floors below its own only, as IMPORTS says."""

GROUND = {"errors", "version", "lazy_face", "counted"}
IMPORTS = {
    "errors": set(),
    "version": set(),
    "lazy_face": set(),
    "counted": set(),
    "runtime": GROUND,
    "storage": GROUND,
    "installation": GROUND,
    "markup": set(),
    "model": GROUND | {"markup"},
    "tokenizer": GROUND | {"storage"},
    "records": GROUND | {"markup", "storage"},
    "references": GROUND,
    "data": GROUND | {"installation", "runtime", "storage", "tokenizer"},
    "weights": GROUND | {"installation", "storage", "model", "tokenizer", "records"},
    "kernels": GROUND | {"runtime", "model"},
    "training": GROUND | {"runtime", "storage", "model", "tokenizer", "records", "data", "weights"},
    "generation": GROUND | {"installation", "markup", "runtime", "model", "tokenizer", "kernels"},
    "inspection": GROUND | {"runtime", "model", "tokenizer"},
    "evaluation": GROUND | {"installation", "markup", "runtime", "model", "tokenizer", "references", "data", "storage"},
    "plots": GROUND | {"markup", "storage", "records", "references"},
    "figures": GROUND | {"storage", "model", "tokenizer", "records", "references", "weights", "inspection", "plots"},
    "server": GROUND
    | {"runtime", "weights", "generation", "inspection", "model", "tokenizer", "records", "references"},
}
"""For every package, the packages of gpt25 that it may import besides itself."""
IMPORTS["recipes"] = {package for floor in FLOORS[:7] for package in floor}
IMPORTS["cli"] = {package for floor in FLOORS[:9] for package in floor}

PLANNED: set[str] = set()
"""Packages whose code comes later."""

ROOMS: dict[str, dict[str, set[str]]] = {
    "storage": {"paths": set(), "reading": {"paths"}, "hub": set()},
    "data": {
        "formats": set(),
        "sources": {"formats"},
        "shards": {"formats", "sources"},
        "preparation": {"formats", "sources", "shards"},
        "fetching": {"formats", "sources", "shards"},
    },
    "weights": {"safetensors": set(), "openai": {"safetensors"}, "loading": {"safetensors", "openai"}, "gguf": set()},
    "training": {
        "configuration": set(),
        "optimizers": {"configuration"},
        "loss": {"configuration"},
        "checkpoints": {"configuration", "optimizers"},
        "loop": {"configuration", "optimizers", "loss", "checkpoints"},
    },
    "generation": {"engine": set()},
    "inspection": {"activations": set(), "circuits": {"activations"}},
    "evaluation": {
        "scoring": set(),
        "protocols": {"scoring"},
        "sets": {"protocols"},
        "core": {"scoring", "sets"},
        "harness": {"scoring"},
    },
    "plots": {
        "pictures": set(),
        "circuits": {"pictures"},
        "measures": set(),
        "report": {"pictures", "measures"},
        "terminal": {"report", "measures"},
    },
    "figures": {"circuits": set()},
    "recipes": {
        "hooks": set(),
        "run": {"hooks"},
        "planning": {"hooks", "run"},
        "reproduction": {"planning", "run"},
        "sharing": set(),
        "sweep": {"run"},
    },
    "server": {
        "network": set(),
        "registry": set(),
        "driving": set(),
        "reference": set(),
        "api": {"registry", "driving", "reference"},
        "playground": {"registry", "driving", "api"},
    },
    "cli": {
        "words": set(),
        "streams": set(),
        "pictures": set(),
        "session": {"words"},
        "shell": set(),
        "training": set(),
        "commands": {"streams", "pictures", "session", "training"},
    },
}
"""For every package with rooms, its rooms in their order, and the rooms of the same package that each may import.

What stands beside the rooms is the package's face, or what several rooms share; no circle runs through either.
"""

MOST_FILES_OF_A_ROOM = 16
