"""Importing the package, all of it, prints nothing, reads no environment, seeds nothing and starts nothing."""

import json
import subprocess
import sys

IMPORT_EVERYTHING = """
import json, logging, os, pkgutil, random, signal, sys, threading, warnings
import importlib
import numpy, torch

package = os.path.dirname(importlib.util.find_spec("gpt25").origin) + os.sep
reads = []
class Watched(type(os.environ)):
    def __getitem__(self, key):
        frame = sys._getframe(1)
        while frame and frame.f_code.co_filename.startswith(("<frozen", os.__file__)):
            frame = frame.f_back
        if frame and frame.f_code.co_filename.startswith(package):
            reads.append([frame.f_code.co_filename[len(package):], key])
        return super().__getitem__(key)
os.environ.__class__ = Watched

def chance():
    return [str(random.getstate()), str(numpy.random.get_state()), torch.random.get_rng_state().tolist()]
def surroundings():
    handlers = [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)]
    return [handlers, str(logging.root.handlers), os.getcwd(), torch.get_num_threads(), str(torch.get_default_dtype())]

before_chance, before_surroundings = chance(), surroundings()
import gpt25
names = [module.name for module in pkgutil.walk_packages(gpt25.__path__, "gpt25.")]
for name in names:
    importlib.import_module(name)
os.environ.__class__ = Watched.__mro__[1]
print(json.dumps({
    "modules": len(names),
    "reads": reads,
    "chance": chance() == before_chance,
    "surroundings": surroundings() == before_surroundings,
    "threads": [thread.name for thread in threading.enumerate()],
    "distributed": torch.distributed.is_initialized(),
}))
"""


def test_importing_every_module_has_no_effect() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_EVERYTHING], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 1, f"an import printed: {lines[:-1]}"
    seen = json.loads(lines[0])
    assert seen["modules"] > 20
    assert seen["reads"] == [], "the environment is read at import"
    assert seen["chance"], "a random state changed at import"
    assert seen["surroundings"], "signal handlers, logging, threads or types of torch changed at import"
    assert seen["threads"] == ["MainThread"]
    assert not seen["distributed"]


def test_import_gpt25_imports_nothing_heavy() -> None:
    probe = "import sys, gpt25, gpt25.cli; print([n for n in ('torch', 'numpy', 'tyro', 'rich') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_floors_without_torch_stay_without_it() -> None:
    probe = (
        "import importlib, importlib.util, sys\n"
        "for name in ('errors', 'storage', 'tokenizer', 'records', 'references', 'plots', 'markup',\n"
        "             'kernels.processor_model'):\n"
        "    if importlib.util.find_spec('gpt25.' + name): importlib.import_module('gpt25.' + name)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stdout + done.stderr
