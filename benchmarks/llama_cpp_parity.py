"""llama.cpp on our GGUF files beside this package on the same model: token ids, logits and greedy continuations.

    pip install llama-cpp-python '.[export]'         # builds llama.cpp: some minutes, a C++ compiler and cmake
    python benchmarks/llama_cpp_parity.py runs/quickstart
    python benchmarks/llama_cpp_parity.py random-124m    # GPT-2's shape and vocabulary, random weights

Each file is compared with two models of ours: the one it was made from, and one that holds the file's own, rounded
values. The first says what a user will see; the second tells llama.cpp's arithmetic from the rounding of the weights.
llama.cpp runs with its defaults, once more with keys and values in float32 (--cache float32); both are processors only.
"""

import argparse
import dataclasses
import importlib.metadata
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import torch

from gpt25 import GPTConfiguration, GPTModel, TextGenerator, Tokenizer, load_pretrained
from gpt25.weights import export_gguf
from gpt25.weights.gguf.gguf_export import GGUF_TYPES
from gpt25.weights.names import tensor_names

PROMPTS = (
    "def ",
    "Hello, I'm a language model,",
    "import os\nimport sys\n\n\nclass ",
    "The capital of France is",
    "    return self.",
    '"""',
    "日本語 and 👩‍👩‍👧‍👦,",
    "<|endoftext|>",
)
EDGE_CASES = (
    "", " ", "  ", "   a", "a   ", "\r\n\r\n \r\n\tx", "\t\t \n \n\n  end", "it's we'll I'm they've can'T O'RE ''s",
    "price: $1,234.56 ½ ² ٣ ⅷ", "\x00nul\x00\x00", "\ufeffmark", "e\u0301 combining, é composed", "🏳️‍🌈 🇩🇪 👍🏽",
    "日本語、中文。한국어", "שלום ؟ مرحبا", "zero\u200bwidth\u2060\u00adsoft",
    "no\u00a0break\u3000\u2028\u2029\x85next",
    "\x1c\x1d\x1e\x1f", "<|endoftext|>", "before<|endoftext|>after <|endoftext", "\U0010ffff\ufffe\ue000",
    "a" * 300 + " " * 300 + "!" * 300 + "\n" * 300, " " * 257 + "x", " " * 514 + "\n\nx" + " " * 512,
)  # fmt: skip
FRAGMENTS = [*"aab bcé1 2!'\n\t\r  ", "\u3000", "\u2028", "\x1c", "'s", "'ll", "the", "👩‍👧", "日本", "\x00"]


@dataclasses.dataclass
class Comparison:
    """Continuations of several prompts, token by token."""

    tokens: int = 0
    same_until_first_difference: int = 0
    same_choice: int = 0
    """Positions of our continuation at which llama.cpp, having read it so far, would choose the same next token."""
    largest_difference: float = 0.0
    """Between any two logits at these positions."""
    margins: list[float] = dataclasses.field(default_factory=list)
    """By how much our own choice beat the token that llama.cpp chose instead, in logits."""

    def row(self) -> list[str]:
        """The cells of a table: two counts, the difference, and the largest margin where there is one."""
        margin = f"{max(self.margins):.2g}" if self.margins else ""
        counts = (self.same_until_first_difference, self.same_choice)
        return [*(f"{count:,}/{self.tokens:,}" for count in counts), f"{self.largest_difference:.2g}", margin]


def random_124m() -> tuple[GPTModel, Tokenizer]:
    """A model of GPT-2's shape whose next token depends on what stands before: larger weights than at the start."""
    model = GPTModel(GPTConfiguration(), generator=torch.Generator().manual_seed(1)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "hidden" in name and parameter.dim() == 2:
                parameter.mul_(4)
            elif parameter.dim() == 1:
                parameter.add_(torch.empty_like(parameter).normal_(0, 0.1, generator=torch.Generator().manual_seed(2)))
    return model, Tokenizer.gpt2()


def model_of_file(path: Path, configuration: GPTConfiguration) -> GPTModel:
    """Our model with the values that a GGUF file holds."""
    rows = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    vocabulary_size = int(rows["token_embd.weight"].shape[1])
    model = GPTModel(dataclasses.replace(configuration, vocabulary_size=vocabulary_size))
    with torch.no_grad():
        for name in tensor_names(model.configuration):
            stored = rows[name.llama_cpp]
            values = gguf.dequantize(stored.data, stored.tensor_type)
            model.get_parameter(name.ours).copy_(torch.tensor(values).view(name.shape))
    return model.eval()


def their_logits(llama: llama_cpp.Llama, ids: Sequence[int], prompt_tokens: int) -> np.ndarray:
    """Logits (time, vocabulary) after every token: the prompt read at once, the rest one by one as in generation."""
    llama.reset()
    llama.eval(ids[:prompt_tokens])
    for identifier in ids[prompt_tokens:]:
        llama.eval([identifier])
    return np.array(llama.scores[: len(ids)])


def their_continuation(llama: llama_cpp.Llama, prompt: Sequence[int], new_tokens: int, end: int) -> list[int]:
    """The greedy continuation of llama.cpp, until the end of the text."""
    llama.reset()
    llama.eval(prompt)
    ids: list[int] = []
    while True:
        ids.append(int(np.argmax(llama.scores[llama.n_tokens - 1])))
        if len(ids) == new_tokens or ids[-1] == end:
            return ids
        llama.eval(ids[-1:])


def compare(llama: llama_cpp.Llama, model: GPTModel, tokenizer: Tokenizer, new_tokens: int) -> Comparison:
    """Continue every prompt with both; `margins` are of the places where the choices differ."""
    comparison = Comparison()
    generator = TextGenerator(model, tokenizer)
    for text in PROMPTS:
        prompt = tokenizer.encode(text)
        room = min(new_tokens, model.configuration.block_size - len(prompt))
        (sample,) = generator.generate(prompt, temperature=0, max_new_tokens=room)
        ours = sample.token_ids
        theirs = their_continuation(llama, prompt, len(ours), tokenizer.end_of_text_id)
        differences = [place for place, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]]
        comparison.tokens += len(ours)
        comparison.same_until_first_difference += differences[0] if differences else len(theirs)
        ids = [*prompt, *ours[:-1]]
        with torch.inference_mode():
            logits = model(torch.tensor([ids]))[0, :, : tokenizer.vocabulary_size].numpy()  # (time, vocabulary)
        found = their_logits(llama, ids, len(prompt))  # (time, vocabulary)
        comparison.largest_difference = max(comparison.largest_difference, float(np.abs(found - logits).max()))
        for place, token in enumerate(ours, start=len(prompt) - 1):
            chosen = int(np.argmax(found[place]))
            comparison.same_choice += chosen == token
            if chosen != token:
                comparison.margins.append(float(logits[place, token] - logits[place, chosen]))
    return comparison


def tokenization(llama: llama_cpp.Llama, tokenizer: Tokenizer, number_of_texts: int = 3000) -> tuple[int, list[str]]:
    """How many texts were compared, and those that llama.cpp turns into other ids than we do."""
    source = random.Random(1)
    texts = [*EDGE_CASES, *PROMPTS, Path(__file__).read_text(encoding="utf-8"), Path(random.__file__).read_text()]
    texts += ["".join(source.choices(FRAGMENTS, k=source.randrange(24))) for _ in range(number_of_texts)]
    texts += [chr(source.randrange(0x20, 0xD800)) + chr(source.randrange(0xE000, 0x110000)) for _ in range(1000)]
    different = []
    for text in texts:
        if llama.tokenize(text.encode(), add_bos=False, special=False) != tokenizer.encode(text):
            different.append(text)
    return len(texts), different


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a MODEL word, or random-124m")
    parser.add_argument("--types", nargs="+", default=GGUF_TYPES, choices=GGUF_TYPES)
    parser.add_argument("--new-tokens", type=int, default=64, help=f"for each of the {len(PROMPTS)} prompts")
    parser.add_argument("--cache", choices=("default", "float32"), default="default")
    arguments = parser.parse_args()

    model, tokenizer = random_124m() if arguments.model == "random-124m" else load_pretrained(arguments.model)
    assert tokenizer is not None
    context = min(model.configuration.block_size, 256)
    cache = {"type_k": 0, "type_v": 0} if arguments.cache == "float32" else {}  # 0 is GGML_TYPE_F32
    print(f"llama-cpp-python {importlib.metadata.version('llama-cpp-python')}, {arguments.cache} cache", end=", ")
    print(f"{arguments.model}, {len(PROMPTS)} prompts of {arguments.new_tokens} new tokens")
    columns = ["type", "bytes", "compared with", "same tokens", "same choice", "largest logit difference", "margin"]
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    with tempfile.TemporaryDirectory() as folder:
        for dtype_name in arguments.types:
            path = Path(folder) / f"{dtype_name}.gguf"
            summary = export_gguf(model, tokenizer, path, dtype_name=dtype_name)
            llama = llama_cpp.Llama(str(path), n_ctx=context, verbose=False, logits_all=True, **cache)
            for label, ours in (("the model", model), ("the file's values", model_of_file(path, model.configuration))):
                row = compare(llama, ours, tokenizer, arguments.new_tokens).row()
                print("| " + " | ".join([dtype_name, f"{summary.number_of_bytes:,}", label, *row]) + " |", flush=True)
        number_of_texts, different = tokenization(llama, tokenizer)
        print(
            f"token ids: {len(different)} of {number_of_texts:,} texts differ", *map(ascii, different[:10]), sep="\n  "
        )


if __name__ == "__main__":
    main()
