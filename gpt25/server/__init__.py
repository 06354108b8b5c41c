"""A model on the network: an API that base models deserve, safe by default (extra `serve`).

The staircase: `network` (sockets, deadlines, who may ask) beside `registry` (the models, by name) → `driving` (the one
thread that lets the engines step) → `api` (what is asked and answered) → `playground` (the page) → `serve`, the meeting
place.
"""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.server.serve import serve
    from gpt25.server.serving_settings import ServingSettings

__all__ = ["ServingSettings", "serve"]

lazy_face(__name__, {"ServingSettings": "serving_settings", "serve": "serve"})
