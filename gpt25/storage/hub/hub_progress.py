"""The bar of the Hub's client, made to give up where the client itself would begin again for ever."""

from typing import Any

MOST_RESTARTS = 3


def limited_progress() -> type[Any]:
    """The client's own progress bar as a class for `hf_hub_download(tqdm_class=…)`.

    When a server breaks off and cannot go on in the middle, the client drops what it has and begins again, as often as
    a single byte arrives. The bar sees that as a step backwards, and raises ConnectionError at the fourth.
    """
    # Here because the client reads its variables when it is imported.
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class LimitedProgress(tqdm):
        restarts = 0

        def update(self, n: float | None = 1) -> bool | None:
            if n is not None and n < 0:
                self.restarts += 1
                if self.restarts > MOST_RESTARTS:
                    raise ConnectionError(f"the download broke off {self.restarts} times")
            return super().update(n)

    return LimitedProgress
