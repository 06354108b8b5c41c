"""`gpt25 --help` answers at once, because it imports nothing heavy."""

import subprocess
import sys
import time

HEAVY = ("torch", "numpy", "tyro", "rich", "matplotlib", "tokenizers", "tiktoken", "huggingface_hub", "safetensors")
SLOWEST_START_SECONDS = 1.0  # it takes 0.05 to 0.15; the bound leaves room for a busy machine


def test_help_imports_nothing_heavy() -> None:
    show = f"print([name for name in {HEAVY} if name in sys.modules])"
    probe = f"import sys; from gpt25.cli.main import main; main(['--help']); {show}"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


def test_help_is_quick() -> None:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "gpt25", "--help"], check=True, capture_output=True, timeout=60)
        times.append(time.perf_counter() - start)
    assert min(times) < SLOWEST_START_SECONDS, f"the quickest of five took {min(times):.2f} s"
