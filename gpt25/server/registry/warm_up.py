"""The first steps of a model, taken before anybody waits for them."""

from gpt25.generation import SamplingSettings
from gpt25.generation.engine import Engine, Request

_MOST_TOKENS = 2  # one behind the prompt, and one in a step of all texts together


def warm_up(engine: Engine, end_of_text_id: int, *, slots: int, capacity: int, every_size: bool) -> None:
    """Let an idle engine take the kinds of step that serving asks of it, with all that a request can ask for.

    Kernels are compiled, or read from the disk, and torch sets up what it sets up at a first use.
    end_of_text_id: where the texts begin; none ends. every_size: whether each number of texts has steps of its own, as
    on a GPU, where they are recorded for every power of two.
    """
    sizes = [1 << power for power in range(slots.bit_length()) if 1 << power < slots] if every_size else []
    for size in (*sizes, slots):
        settings = SamplingSettings(
            samples=size,
            seed=0,
            temperature=0.9,
            top_k=2,
            top_p=0.9,
            min_p=0.01,
            frequency_penalty=0.1,
            logit_bias=((end_of_text_id, -100.0),),
        )
        prompt = (end_of_text_id,) * min(2, capacity)
        new_tokens = min(_MOST_TOKENS, capacity - len(prompt) + 1)
        request = Request(prompt, settings, new_tokens, log_probabilities=1, prompt_log_probabilities=True)
        engine.submit(request)
        while not engine.is_idle:
            engine.step()
