"""Our scores beside lm-evaluation-harness' own, on the same files with the same model: they must be equal.

    pip install '.[evaluate]' accelerate transformers
    python benchmarks/evaluation_oracle.py --model DIR --limit 100 piqa=piqa.jsonl.gz blimp=blimp.jsonl.gz …

The harness builds its prompts from its own kind of task description (below, for the sets' files in llm-foundry's
fields), asks its own transformers model, and computes its own metrics. Compared are every log-likelihood (in nats),
every accuracy, and the same again with our model inside the harness through the adapter. A wikitext2-harness=FILE
compares whole texts, window by window. The last line is "equal" when every difference is within 1e-4 nats and every
accuracy is the same to the last digit.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from gpt25.evaluation import TASKS, ContinuationScorer, ScoringSettings, read_examples, score
from gpt25.evaluation.harness.lm_eval_adapter import lm_eval_model
from gpt25.evaluation.scoring.encoding import encode_request
from gpt25.evaluation.scoring.windows import windows
from gpt25.evaluation.sets.data_files import read_text
from gpt25.evaluation.sets.harness_wikitext import harness_pages
from gpt25.weights import load_pretrained

TOLERANCE_IN_NATS = 1e-4
Document = dict[str, Any]


def hellaswag_text(text: str) -> str:
    """The harness's own clean-up."""
    from lm_eval.tasks.hellaswag.utils import preprocess

    return str(preprocess(text))


def copa_text(query: str) -> str:
    """llm-foundry's query without the comma before its connector, which the harness does not have."""
    before, _, connector = query.rpartition(", ")
    return f"{before} {connector}"


ACCURACIES = {"acc": "accuracy", "acc_norm": "accuracy_norm"}
DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "hellaswag-harness": {
        "doc_to_text": lambda document: hellaswag_text(document["query"]),
        "doc_to_choice": lambda document: [hellaswag_text(ending) for ending in document["endings"]],
        "doc_to_target": "label",
        "metrics": ("acc", "acc_norm"),
    },
    "piqa": {"doc_to_text": "{{query.rstrip()}}\nAnswer:", "metrics": ("acc", "acc_norm")},
    "arc-easy": {"doc_to_text": "{{query.rstrip()}}\nAnswer:", "metrics": ("acc", "acc_norm")},
    "openbookqa": {"doc_to_text": "query", "metrics": ("acc", "acc_norm")},
    "boolq": {"doc_to_text": "{{query.rstrip()}}\nAnswer:", "metrics": ("acc",)},
    "copa": {
        "doc_to_text": lambda document: copa_text(document["query"]),
        "doc_to_choice": lambda document: [f" {choice}" for choice in document["choices"]],  # its own space, and a
        "metrics": ("acc",),  # delimiter before it
    },
    "commonsense-qa": {"doc_to_text": "query", "metrics": ("acc",)},
    "winograd": {
        "doc_to_text": lambda document: document["gold"],
        "doc_to_choice": lambda document: document["context_options"],
        "doc_to_target": lambda document: " " + document["continuation"].strip(),
        "metrics": ("acc",),
    },
    "blimp": {
        "doc_to_text": "",
        "doc_to_choice": "{{[sentence_good, sentence_bad]}}",
        "doc_to_target": 0,
        "metrics": ("acc",),
    },
    "lambada": {
        "output_type": "loglikelihood",
        "doc_to_text": "{{text.split(' ')[:-1]|join(' ')}}",
        "doc_to_target": "{{' '+text.split(' ')[-1]}}",
        "metrics": ("perplexity", "acc"),
    },
}


def harness_task(name: str, path: str) -> Any:
    """The harness's task for a file."""
    from lm_eval.api.task import ConfigurableTask

    description = {"doc_to_choice": "choices", "doc_to_target": "gold"} | DESCRIPTIONS[name]
    if name == "lambada":
        del description["doc_to_choice"]
    metrics = description.pop("metrics")
    return ConfigurableTask(
        config={
            "task": f"ours_{name}",
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": path}},
            "test_split": "test",
            "output_type": "multiple_choice",
            "metric_list": [
                {
                    "metric": metric,
                    "aggregation": "perplexity" if metric == "perplexity" else "mean",
                    "higher_is_better": metric != "perplexity",
                }
                for metric in metrics
            ],
            **description,
        }
    )


def run_harness(model: Any, task: Any, limit: int | None) -> tuple[dict[str, float], list[list[float]]]:
    """The harness's metrics, and the log-likelihoods of every document's choices."""
    import lm_eval

    name = task.config.task
    found = lm_eval.simple_evaluate(
        model=model, tasks=[task], limit=limit, log_samples=True, bootstrap_iters=0, verbosity="ERROR"
    )
    figures = {key.split(",")[0]: value for key, value in found["results"][name].items() if key.endswith(",none")}
    samples = sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
    return figures, [[float(answer[0][0]) for answer in sample["resps"]] for sample in samples]


def compare(name: str, path: str, directory: Path, peer: Any, limit: int | None) -> list[str]:
    """What differs, in words; prints the figures."""
    model, tokenizer = load_pretrained(directory)
    assert tokenizer is not None
    task = TASKS[name]
    examples = read_examples(task, path)
    found = score(task, examples, model, tokenizer, settings=ScoringSettings(limit=limit))
    ours = {measurement.metric: measurement for measurement in found}
    items = [[(item.context, item.last_word)] for item in examples.last_words[:limit]]
    items += [list(zip(item.contexts, item.continuations, strict=True)) for item in examples.choices[:limit]]
    requests = [encode_request(tokenizer, *pair, encoding="together") for item in items for pair in item]
    answers = iter(ContinuationScorer(model).answer(requests))
    own = [[next(answers).log_likelihood for _ in item] for item in items]
    problems = []
    for label, other_model in (("lm-eval's transformers model", peer), ("our model through the adapter", None)):
        figures, theirs = run_harness(other_model or lm_eval_model(model, tokenizer), harness_task(name, path), limit)
        pairs = [(a, b) for one, other in zip(own, theirs, strict=True) for a, b in zip(one, other, strict=True)]
        largest = max(abs(a - b) for a, b in pairs)
        print(f"{name}, {label}: {len(pairs):,} log-likelihoods, largest difference {largest:.1e} nats", flush=True)
        if largest > TOLERANCE_IN_NATS:
            problems.append(f"{name}: a log-likelihood differs by {largest:.2e} from {label}")
        for metric, value in figures.items():
            if metric.endswith("_stderr"):
                continue
            mine = ours[ACCURACIES.get(metric, metric)]
            error = figures.get(f"{metric}_stderr")
            print(f"  {metric}: {mine.value!r} ± {mine.standard_error}, there {value!r} ± {error}", flush=True)
            if mine.value != value if metric in ACCURACIES else abs(mine.value / value - 1) > TOLERANCE_IN_NATS:
                problems.append(f"{name}: {metric} is {mine.value!r}, {label} says {value!r}")
    return problems


def compare_texts(path: str, directory: Path, peer: Any, limit: int | None) -> list[str]:
    """The text and log-likelihood of every page, window by window."""
    from lm_eval.api.instance import Instance
    from lm_eval.tasks.wikitext.preprocess_wikitext import process_results, wikitext_detokenizer

    model, tokenizer = load_pretrained(directory)
    assert tokenizer is not None
    documents = read_examples(TASKS["wikitext2-harness"], path).texts[:limit]
    pages = [{"page": page} for page in harness_pages(read_text(Path(path)))][:limit]
    texts = [wikitext_detokenizer(page) for page in pages]
    words = [process_results(page, (0.0,))["word_perplexity"][1] for page in pages]
    if texts != [document.text for document in documents] or words != [document.words for document in documents]:
        return ["wikitext2-harness: a page's text or number of words is not the harness's"]
    requests = [Instance("loglikelihood_rolling", {}, (text,), number) for number, text in enumerate(texts)]
    theirs = peer.loglikelihood_rolling(requests)
    scorer, block_size = ContinuationScorer(model), model.configuration.block_size
    worst = 0.0
    for text, expected in zip(texts, theirs, strict=True):
        tokens = tokenizer.encode(text)
        parts = windows(tokens, end_of_text_id=tokenizer.end_of_text_id, block_size=block_size)
        nats = sum(answer.log_likelihood for answer in scorer.answer(parts))
        worst = max(worst, abs(nats - expected) / len(tokens))
    print(f"wikitext2-harness: {len(texts):,} pages, largest difference {worst:.1e} nats a token", flush=True)
    return [] if worst < TOLERANCE_IN_NATS else [f"wikitext2-harness: a page differs by {worst:.2e} nats a token"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="a Hugging Face directory")
    parser.add_argument("--limit", type=int, help="only the first so many items of every set")
    parser.add_argument("--batch-size", type=int, default=16, help="the harness's")
    parser.add_argument("sets", nargs="+", metavar="TASK=FILE")
    arguments = parser.parse_args()
    from lm_eval.models.huggingface import HFLM

    peer = HFLM(pretrained=str(arguments.model), device="cpu", dtype="float32", batch_size=arguments.batch_size)
    problems = []
    for pair in arguments.sets:
        name, _, path = pair.partition("=")
        if name == "wikitext2-harness":
            problems += compare_texts(path, arguments.model, peer, arguments.limit)
        else:
            problems += compare(name, path, arguments.model, peer, arguments.limit)
    print("\n".join(problems) or "equal")
    return len(problems)


if __name__ == "__main__":
    sys.exit(main())
