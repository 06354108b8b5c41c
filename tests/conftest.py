"""What every test may rely on: no network, a quiet Hub, and one thread unless a test says otherwise."""

import os

# Set before anything is imported that reads them: huggingface_hub does so at import.
os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", MPLBACKEND="agg")
for variable in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
    os.environ.pop(variable, None)
