"""Run in a process of its own: items of HellaSwag and LAMBADA by lm-evaluation-harness, in-process and over HTTP.

    python harness_items.py URL MODEL_DIRECTORY FOLDER WORD …  ->  {"in-process": …, "over HTTP": …} on standard output

The harness's own definitions of both tasks, with items from a file in FOLDER in the place of the Hub's.
"""

import json
import random
import sys
from pathlib import Path

ITEMS = 24


def write_items(folder: Path, known: list[str]) -> None:
    chance = random.Random(5)

    def text(words: int) -> str:
        return " ".join(chance.choice(known) for _ in range(words))

    endings = [
        {
            "ctx_a": text(5).capitalize() + ".",
            "ctx_b": text(3),
            "activity_label": text(2).capitalize(),
            "endings": [text(chance.randrange(2, 7)) for _ in range(4)],
            "label": str(chance.randrange(4)),
        }
        for _ in range(ITEMS)
    ]
    last_words = [{"text": text(9)} for _ in range(ITEMS)]
    for name, items in (("hellaswag", endings), ("lambada", last_words)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")


def write_tasks(folder: Path) -> None:
    import lm_eval.tasks

    tasks = Path(lm_eval.tasks.__file__).parent
    for name, file, split in (
        ("hellaswag", tasks / "hellaswag" / "hellaswag.yaml", "validation"),
        ("lambada", tasks / "lambada" / "lambada_openai.yaml", "test"),
    ):
        (folder / f"{name}_items.yaml").write_text(
            f"include: {file}\ntask: {name}_items\ntag: null\ndataset_path: json\ndataset_name: null\n"
            f"dataset_kwargs:\n  data_files:\n    {split}: {folder / f'{name}.jsonl'}\ntraining_split: null\n",
            encoding="utf-8",
        )


def figures(model: object, folder: Path, **options: object) -> dict[str, object]:
    import lm_eval
    from lm_eval.tasks import TaskManager

    found = lm_eval.simple_evaluate(
        model=model,
        tasks=["hellaswag_items", "lambada_items"],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        bootstrap_iters=10,
        log_samples=True,
        **options,
    )
    answers = {
        task: [response for sample in sorted(samples, key=lambda each: each["doc_id"]) for response in sample["resps"]]
        for task, samples in found["samples"].items()
    }
    return {"figures": found["results"], "answers": answers}


def main(url: str, directory: str, folder: Path, words: list[str]) -> None:
    from gpt25.evaluation.lm_eval_adapter import lm_eval_model
    from gpt25.weights import load_pretrained

    write_items(folder, words)
    write_tasks(folder)
    model, tokenizer = load_pretrained(directory)
    assert tokenizer is not None
    arguments = f"model=tiny,base_url={url}/v1/completions,max_length={model.configuration.block_size + 1}"
    result = {
        "in-process": figures(lm_eval_model(model, tokenizer), folder),
        "over HTTP": figures("local-completions", folder, model_args=arguments, batch_size=7),
    }
    sys.stdout.write(json.dumps(result, default=str) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
