"""OpenAI's layout as TensorFlow itself writes it, read by our own door. Not collected: `make test-tensorflow` runs it.

The checkpoint is written as OpenAI's code writes one: the graph's variables under their names, through a Saver.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpt25 import GPTModel, TextGenerator, Tokenizer, load_pretrained, save_pretrained
from gpt25.errors import CorruptFileError, WeightsError
from gpt25.weights.names import tensor_names

WRITE = """
import sys
import numpy as np
import tensorflow.compat.v1 as tf

source, prefix, dtype = sys.argv[1:]
tf.disable_v2_behavior()
weights = np.load(source)
with tf.Session(graph=tf.Graph()) as session:
    with session.graph.as_default():
        for name in weights.files:
            tf.Variable(tf.constant(weights[name], dtype=dtype), name=name, use_resource=False)
        session.run(tf.global_variables_initializer())
        print(tf.train.Saver().save(session, prefix))
"""


def write_release(
    model: GPTModel, tokenizer: Tokenizer, directory: Path, *, dtype: str = "float32", **extra: Any
) -> Path:
    """A directory as OpenAI's download script leaves it; `extra` are variables of their own."""
    tokenizer.save(directory)
    (directory / "vocab.json").rename(directory / "encoder.json")
    (directory / "merges.txt").rename(directory / "vocab.bpe")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (directory / name).unlink()
    shape = model.configuration
    sizes = {
        "n_vocab": shape.vocabulary_size,
        "n_ctx": shape.block_size,
        "n_embd": shape.number_of_embedding_dimensions,
        "n_head": shape.number_of_heads,
        "n_layer": shape.number_of_layers,
    }
    (directory / "hparams.json").write_text(json.dumps(sizes))
    weights = {}
    for name in tensor_names(shape):
        numbers = model.get_parameter(name.ours).detach().numpy()
        weights[name.openai] = numbers.T[None] if name.transposed else numbers
    source = directory.with_suffix(".npz")
    np.savez(source, **weights, **extra)
    words = [sys.executable, "-c", WRITE, str(source), str(directory / "model.ckpt"), dtype]
    subprocess.run(words, check=True, capture_output=True, text=True)
    return directory


@pytest.fixture(autouse=True)
def foreign_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow's own imports warn of deprecations, which are not ours to mend."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow  # noqa: F401


@pytest.fixture
def release(model: GPTModel, tokenizer: Tokenizer, tmp_path: Path) -> Path:
    return write_release(model, tokenizer, tmp_path / "small")


def test_tensorflow_wrote_the_files_that_openai_released(release: Path) -> None:
    names = {"checkpoint", "encoder.json", "hparams.json", "vocab.bpe"}
    names |= {f"model.ckpt.{suffix}" for suffix in ("data-00000-of-00001", "index", "meta")}
    assert {path.name for path in release.iterdir()} == names
    # The whole path, for that is what the Saver was given here; OpenAI's says "model.ckpt".
    assert f'model_checkpoint_path: "{release / "model.ckpt"}"' in (release / "checkpoint").read_text()


def test_what_tensorflow_wrote_is_the_model_to_the_last_bit(
    release: Path, model: GPTModel, tokenizer: Tokenizer
) -> None:
    loaded, own = load_pretrained(release)
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter), name
    assert own is not None
    assert own.fingerprint == tokenizer.fingerprint
    texts = [
        TextGenerator(each, own).generate("the quick", temperature=0, max_new_tokens=5)[0].token_ids
        for each in (loaded, model)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(model: GPTModel, tokenizer: Tokenizer, tmp_path: Path, dtype: str) -> None:
    loaded, _ = load_pretrained(write_release(model, tokenizer, tmp_path / "half", dtype=dtype))
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter.to(getattr(torch, dtype)).float()), name


def test_the_commands_take_it(release: Path, model: GPTModel, tokenizer: Tokenizer, tmp_path: Path) -> None:
    save_pretrained(model, tokenizer, tmp_path / "twin")
    answers = []
    for directory in (release, tmp_path / "twin"):
        for words in (
            ["show", str(directory), "--statistics", "--json"],
            ["generate", str(directory), "--prompt", "the", "--max-new-tokens", "6", "--seed", "3", "--no-stream"],
            ["export", str(directory), "--output", str(tmp_path / f"{directory.name}.gguf"), "--name", "same"],
        ):
            done = subprocess.run([sys.executable, "-m", "gpt25", *words], capture_output=True, text=True, check=True)
            assert not re.search("tensorflow|onednn|absl", done.stderr, re.IGNORECASE)  # no remarks of its own
            answers.append(done.stdout.replace(str(directory.with_suffix(".gguf")), "FILE"))
    assert answers[:3] == answers[3:]
    assert (tmp_path / "small.gguf").read_bytes() == (tmp_path / "twin.gguf").read_bytes()


def test_variables_that_are_no_gpt2s_are_refused(model: GPTModel, tokenizer: Tokenizer, tmp_path: Path) -> None:
    moment = np.zeros((8,), np.float32)
    directory = write_release(model, tokenizer, tmp_path / "tuned", **{"model/ln_f/g/Adam": moment})
    with pytest.raises(WeightsError, match=r"model/ln_f/g/Adam +nothing of this name +8 F32"):
        load_pretrained(directory)


def test_another_shape_is_refused(release: Path) -> None:
    sizes = json.loads((release / "hparams.json").read_text())
    (release / "hparams.json").write_text(json.dumps(sizes | {"n_layer": 3}))
    with pytest.raises(WeightsError, match=r"model/h2/ln_1/g +8 +nothing"):
        load_pretrained(release)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.ckpt.data-00000-of-00001", lambda content: content[: len(content) // 2]),
        ("model.ckpt.data-00000-of-00001", lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:]),
        ("model.ckpt.data-00000-of-00001", lambda content: b""),
        ("model.ckpt.index", lambda content: content[: len(content) // 2]),
        ("model.ckpt.index", lambda content: b"\x80\x04" + content[2:]),
        ("model.ckpt.index", lambda content: b""),
    ],
    ids=["data cut", "data flipped", "data empty", "index cut", "index overwritten", "index empty"],
)
def test_damage_is_one_clear_line(release: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    path = release / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises((CorruptFileError, WeightsError)) as caught:
        load_pretrained(release)
    assert isinstance(caught.value, CorruptFileError), caught.value
    assert len(str(caught.value).splitlines()) == 1
    assert "model.ckpt" in str(caught.value)
