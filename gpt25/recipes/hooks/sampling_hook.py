"""Samples of text while a model trains."""

from collections.abc import Callable

from gpt25.generation import TextGenerator
from gpt25.model import GPTModel
from gpt25.recipes.reporter import Reporter
from gpt25.records import RunDirectory
from gpt25.tokenizer import Tokenizer
from gpt25.training import TrainingConfiguration

SAMPLE_TOKENS = 96


def sampling_hook(
    configuration: TrainingConfiguration, run: RunDirectory, tokenizer: Tokenizer, reporter: Reporter
) -> Callable[[GPTModel, int, int], None]:
    """A hook that lets the model continue the recipe's prompt, shows the text and keeps it in samples.jsonl."""

    def write_sample(model: GPTModel, update: int, tokens: int) -> None:
        prompt = configuration.loop.sample_prompt
        generator = TextGenerator(model, tokenizer)
        room = configuration.model.block_size - len(generator.prompt_ids(prompt))
        (sample,) = generator.generate(prompt, max_new_tokens=min(SAMPLE_TOKENS, room), seed=update, top_k=50)
        run.append_sample({"update": update, "tokens": tokens, "prompt": prompt, "text": sample.text})
        reporter.say(f"\n--- a sample after update {update:,} ---\n{prompt}{sample.text}\n")

    return write_sample
