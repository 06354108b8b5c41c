"""One contender of generation_cpu.py: loads the model, then generates for every line on standard input.

Line in: {"prompts": lists of token ids of one length, "new_tokens": N}. Line out: the seconds of all new tokens but the
first, by the clock and by the processor, and the texts.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Result = tuple[float, float, list[list[int]]]
Generate = Callable[[list[list[int]], int], Result]


def ours(directory: Path, threads: int, precision: str) -> Generate:
    import torch

    from gpt25.generation import SamplingSettings
    from gpt25.generation.engine import Engine, Request, Runners
    from gpt25.model import quantise_int8
    from gpt25.weights import load_pretrained

    torch.set_num_threads(threads)
    model, tokenizer = load_pretrained(str(directory / "model"))
    if precision == "int8":
        quantise_int8(model)
    runners = Runners(model, kernels="torch" if precision == "torch" else "auto")

    def generate(prompts: list[list[int]], new_tokens: int) -> Result:
        runner = runners.runner(slots=len(prompts), capacity=len(prompts[0]) + new_tokens)
        engine = Engine(runner, tokenizer, end_ids=frozenset(), piece_beside_others=10_000)
        settings = SamplingSettings(temperature=0, seed=0)
        tickets = [engine.submit(Request(tuple(prompt), settings, new_tokens)) for prompt in prompts]
        while any(not ticket.pieces for ticket in tickets):
            engine.step()
        drawn = sum(len(piece.token_ids) for ticket in tickets for piece in ticket.pieces)
        clock, processor = time.perf_counter(), time.process_time()
        while not engine.is_idle:
            engine.step()
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        texts = [[token for piece in ticket.pieces for token in piece.token_ids] for ticket in tickets]
        share = (new_tokens - 1) * len(prompts) / (new_tokens * len(prompts) - drawn)
        return clock * share, processor * share, texts

    return generate


def by_difference(run: Callable[[list[list[int]], int], list[list[int]]]) -> Generate:
    """Time a run for all tokens and one for a single token."""

    def timed(prompts: list[list[int]], new_tokens: int) -> Result:
        clock, processor = time.perf_counter(), time.process_time()
        texts = run(prompts, new_tokens)
        return time.perf_counter() - clock, time.process_time() - processor, texts

    def generate(prompts: list[list[int]], new_tokens: int) -> Result:
        first = timed(prompts, 1)
        whole = timed(prompts, new_tokens)
        return whole[0] - first[0], whole[1] - first[1], whole[2]

    return generate


def transformers(directory: Path, threads: int, precision: str) -> Generate:
    import torch
    from transformers import GPT2LMHeadModel

    torch.set_num_threads(threads)
    model = GPT2LMHeadModel.from_pretrained(directory / "model", dtype=torch.float32).eval()

    def run(prompts: list[list[int]], new_tokens: int) -> list[list[int]]:
        indices = torch.tensor(prompts)
        with torch.inference_mode():
            written = model.generate(
                indices,
                attention_mask=torch.ones_like(indices),
                max_new_tokens=new_tokens,
                min_new_tokens=new_tokens,
                do_sample=False,
                pad_token_id=50256,
            )
        return written[:, len(prompts[0]) :].tolist()

    return by_difference(run)


def ctranslate2(directory: Path, threads: int, precision: str) -> Generate:
    import ctranslate2

    from gpt25.tokenizer import Tokenizer

    model = ctranslate2.Generator(
        str(directory / "ctranslate2"), device="cpu", compute_type=precision, inter_threads=1, intra_threads=threads
    )
    vocabulary = json.loads((directory / "model" / "vocab.json").read_text(encoding="utf-8"))
    names = {number: name for name, number in vocabulary.items()}
    names.setdefault(Tokenizer.gpt2().end_of_text_id, "<|endoftext|>")

    def run(prompts: list[list[int]], new_tokens: int) -> list[list[int]]:
        results = model.generate_batch(
            [[names[token] for token in prompt] for prompt in prompts],
            max_length=new_tokens,
            min_length=new_tokens,
            sampling_topk=1,
            include_prompt_in_result=False,
            max_batch_size=len(prompts),
        )
        return [result.sequences_ids[0] for result in results]

    return by_difference(run)


def llama_cpp(directory: Path, threads: int, precision: str) -> Generate:
    import llama_cpp as llama
    import numpy as np

    llama.llama_backend_init()
    model = llama.llama_model_load_from_file(
        str(directory / f"{precision}.gguf").encode(), llama.llama_model_default_params()
    )
    vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))

    def fill(batch: Any, rows: list[tuple[int, int, int, bool]]) -> None:
        batch.n_tokens = len(rows)
        for row, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[row], batch.pos[row], batch.n_seq_id[row] = token, position, 1
            batch.seq_id[row][0], batch.logits[row] = sequence, wanted

    def generate(prompts: list[list[int]], new_tokens: int) -> Result:
        length, count = len(prompts[0]), len(prompts)
        parameters = llama.llama_context_default_params()
        parameters.n_ctx = (length + new_tokens + 32) * count
        parameters.n_batch = parameters.n_ubatch = max(512, length * count)
        parameters.n_seq_max = count
        parameters.n_threads = parameters.n_threads_batch = threads
        context = llama.llama_init_from_model(model, parameters)
        batch = llama.llama_batch_init(length * count, 0, 1)
        places = [(token, place, row) for row, prompt in enumerate(prompts) for place, token in enumerate(prompt)]
        fill(batch, [(token, place, row, place == length - 1) for token, place, row in places])
        rows, texts = [(row + 1) * length - 1 for row in range(count)], [[] for _ in prompts]
        assert llama.llama_decode(context, batch) == 0
        clock, processor = time.perf_counter(), time.process_time()
        for step in range(new_tokens):
            for text, row in zip(texts, rows, strict=True):
                logits = np.ctypeslib.as_array(llama.llama_get_logits_ith(context, row), (vocabulary,))
                text.append(int(logits.argmax()))
            if step == 0:
                clock, processor = time.perf_counter(), time.process_time()
            if step < new_tokens - 1:
                fill(batch, [(text[-1], length + step, row, True) for row, text in enumerate(texts)])
                rows = list(range(count))
                assert llama.llama_decode(context, batch) == 0
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        llama.llama_batch_free(batch)
        llama.llama_free(context)
        return clock, processor, texts

    return generate


MAKERS = {
    "gpt25": ours,
    "transformers": transformers,
    "ctranslate2": ctranslate2,
    "llama.cpp": llama_cpp,
}


def main() -> None:
    name, directory, threads = sys.argv[1:]
    maker, *_, precision = name.split()
    words = name.split()
    precision = "torch" if "torch" in words else precision
    generate = MAKERS[maker](Path(directory), int(threads), precision)
    for line in sys.stdin:
        asked = json.loads(line)
        seconds, processor_seconds, texts = generate(asked["prompts"], asked["new_tokens"])
        print(json.dumps({"seconds": seconds, "processor_seconds": processor_seconds, "texts": texts}), flush=True)


if __name__ == "__main__":
    main()
