"""What int8 weights cost on real text: perplexity, likeliest tokens and greedy texts beside float32.

    pip install '.[fast]'
    python benchmarks/quantisation.py runs/quickstart --texts valid.jsonl
    python benchmarks/quantisation.py gpt2 --texts wiki.test.raw --tokens 200000

The text is cut into windows of the model's block. Every token behind a window's first is predicted from all before it,
with the kernels in float32 and in int8, and with torch in float32 as the oracle. Greedy texts begin with the first
quarter of a window and go on to three quarters, of some windows spread over the text.
"""

import argparse
import math
from pathlib import Path

import torch

from gpt25 import GPTModel, TextGenerator, load_pretrained
from gpt25.data import read_documents
from gpt25.generation import SamplingSettings
from gpt25.generation.engine.runners import Runners
from gpt25.model import quantise_int8
from gpt25.runtime import describe_machine

GREEDY_TEXTS = 64


def predicted(model: GPTModel, windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Losses in nats and likeliest tokens (windows, block - 1), of the kernels."""
    runner = Runners(model).runner(slots=1, capacity=windows.shape[1])
    losses, likeliest = [], []
    for window in windows.tolist():
        for first in range(0, len(window) - 1, runner.most_rows):
            part = window[first : min(first + runner.most_rows, len(window) - 1)]
            places = range(first, first + len(part))
            rows = torch.as_tensor(
                runner.read(part, slots=[0] * len(part), positions=places, wanted=range(len(part)))
            ).double()  # (rows, vocabulary)
            targets = torch.tensor(window[first + 1 : first + 1 + len(part)])
            losses.append(torch.nn.functional.cross_entropy(rows, targets, reduction="none"))
            likeliest.append(rows.argmax(-1))
    shape = (len(windows), -1)
    return torch.cat(losses).view(shape), torch.cat(likeliest).view(shape)


def perplexity_of_torch(model: GPTModel, windows: torch.Tensor) -> float:
    """The mean loss in nats of the same predictions by torch in float32."""
    with torch.no_grad():
        losses = [
            torch.nn.functional.cross_entropy(model(window[None, :-1])[0], window[1:], reduction="sum")
            for window in windows
        ]
    return float(torch.stack(losses).double().sum()) / windows[:, 1:].numel()


def greedy_texts(generator: TextGenerator, windows: torch.Tensor) -> list[list[int]]:
    """The likeliest tokens behind the beginnings of some windows."""
    quarter = windows.shape[1] // 4
    settings = SamplingSettings(temperature=0, max_new_tokens=2 * quarter, seed=0)
    chosen = windows[:: max(1, len(windows) // GREEDY_TEXTS)][:GREEDY_TEXTS, :quarter]
    tokenizer = generator.tokenizer
    return [generator.generate(tokenizer.decode(prompt), settings=settings)[0].token_ids for prompt in chosen.tolist()]


def same_before_parting(first: list[list[int]], second: list[list[int]]) -> tuple[int, int]:
    """Tokens that are alike until two texts part, and all tokens."""
    alike = 0
    for one, other in zip(first, second, strict=True):
        pairs = list(zip(one, other, strict=False))
        alike += next((place for place, (left, right) in enumerate(pairs) if left != right), len(pairs))
    return alike, sum(map(len, first))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("model")
    parser.add_argument("--texts", required=True, nargs="+", type=Path)
    parser.add_argument("--tokens", type=int, default=100_000)
    arguments = parser.parse_args()
    print(describe_machine())
    model, tokenizer = load_pretrained(arguments.model)
    assert tokenizer is not None
    block, ids = model.configuration.block_size, []
    for document in read_documents([str(path) for path in arguments.texts]):
        ids += tokenizer.encode(document.content.decode("utf-8"))
        if len(ids) >= arguments.tokens:
            break
    windows = torch.tensor(ids[: len(ids[: arguments.tokens]) // block * block]).view(-1, block)
    oracle = perplexity_of_torch(model, windows)
    exact, exact_choice = predicted(model, windows)
    exact_texts = greedy_texts(TextGenerator(model, tokenizer), windows)
    quantise_int8(model)
    rounded, rounded_choice = predicted(model, windows)
    rounded_texts = greedy_texts(TextGenerator(model, tokenizer), windows)
    difference = (rounded - exact).flatten()
    error = float(difference.std()) / math.sqrt(len(difference))
    alike, all_tokens = same_before_parting(exact_texts, rounded_texts)
    print(f"{windows[:, 1:].numel():,} predictions in windows of {block}")
    print(
        f"torch float32 {oracle:.6f} nats, kernels float32 {float(exact.mean()):.6f}, int8 {float(rounded.mean()):.6f}"
    )
    print(f"perplexity {math.exp(float(exact.mean())):.4f} and {math.exp(float(rounded.mean())):.4f}: ", end="")
    print(f"{math.expm1(float(difference.mean())):+.3%}, standard error {error:.3%}")
    print(f"the likeliest token is the same for {float((exact_choice == rounded_choice).double().mean()):.2%}")
    print(f"{len(exact_texts)} greedy texts: {alike:,} of {all_tokens:,} tokens before two part")


if __name__ == "__main__":
    main()
