"""What every test may rely on: no network, a quiet Hub, and one thread unless a test says otherwise."""

import os
import tempfile

# Set before anything is imported that reads them: huggingface_hub does so at import.
os.environ.update(
    HF_HOME=os.path.join(tempfile.gettempdir(), "gpt25-tests-without-a-hub-cache"),
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    MPLBACKEND="agg",
    TOKENIZERS_PARALLELISM="false",
)
for variable in ("HF_HUB_CACHE", "NO_COLOR", "FORCE_COLOR", "RANK", "WORLD_SIZE", "LOCAL_RANK"):
    os.environ.pop(variable, None)
