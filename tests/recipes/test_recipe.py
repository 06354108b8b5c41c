import dataclasses
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from gpt25.errors import ConfigurationError, CorruptFileError, StorageError
from gpt25.model import PUBLISHED_CONFIGURATIONS, Accounting, GPTConfiguration
from gpt25.recipes import load_recipe, recipe_names, recipe_text
from gpt25.recipes.recipe import differences, parse_recipe
from gpt25.training import BatchConfiguration, LoopConfiguration, OptimizerConfiguration, TrainingConfiguration


@pytest.mark.parametrize("name", recipe_names())
def test_every_packaged_recipe_loads_and_survives_its_own_text(name: str) -> None:
    configuration = load_recipe(name)
    assert parse_recipe(recipe_text(configuration), source="itself") == configuration


def test_there_is_a_quickstart() -> None:
    assert "quickstart" in recipe_names()
    assert load_recipe("quickstart").model.vocabulary_size == 4096


PUBLISHED = {  # recipe -> size by OpenAI's name, billions of tokens
    "gpt2_124m_adamw": ("gpt2", 10.0),
    "gpt2_124m": ("gpt2", 5.0),
    "laptop_8gb": ("gpt2", 1.25),
    "gpt2_medium": ("gpt2-medium", 31.5),
    "gpt2_large": ("gpt2-large", 150.0),
    "gpt2_xl": ("gpt2-xl", 33.6),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_recipe_of_a_published_size_is_that_size_and_reads_what_it_says(name: str) -> None:
    recipe, (size, billions) = load_recipe(name), PUBLISHED[name]
    assert recipe.model == PUBLISHED_CONFIGURATIONS[size]
    assert recipe.total_tokens / 1e9 == pytest.approx(billions, rel=2e-3)
    assert recipe.rows_per_update % (8 * recipe.batch.rows_unless_chosen) == 0, "eight GPUs share an update"
    text = (files("gpt25.recipes") / "toml" / f"{name}.toml").read_text()
    assert f"# {Accounting(recipe.model).parameters:,} parameters" in text
    operations = Accounting(recipe.model).training_operations_per_token
    stated = re.search(r"x ([\d.]+) GFLOP.* = ([\d.]+e\d+) operations", text.replace("\n# ", " "))
    assert stated is not None
    assert float(stated[1]) == pytest.approx(operations / 1e9, rel=0.02)
    assert float(stated[2]) == pytest.approx(operations * recipe.total_tokens, rel=0.03)


def test_half_the_tokens_are_half_the_tokens() -> None:
    ours, baseline = load_recipe("gpt2_124m"), load_recipe("gpt2_124m_adamw")
    assert ours.total_tokens / baseline.total_tokens == pytest.approx(0.5, abs=1e-3)
    assert ours.data == baseline.data


def test_no_line_of_a_packaged_recipe_is_long() -> None:
    for name in recipe_names():
        text = (files("gpt25.recipes") / "toml" / f"{name}.toml").read_text()
        assert max(map(len, text.splitlines())) <= 120, name


def test_nothing_said_is_the_default() -> None:
    assert parse_recipe("", source="nothing") == TrainingConfiguration()


UNUSUAL = TrainingConfiguration(
    model=GPTConfiguration(block_size=64, number_of_heads=6, number_of_embedding_dimensions=96, residual_dropout=0.25),
    batch=BatchConfiguration(tokens_per_update=640, short_sequences=((0.1, 16), (0.5, 32))),
    optimizer=OptimizerConfiguration(
        name="muon",
        clip_gradient_norm=None,
        epsilon=1e-10,
        muon_polynomial="newton_schulz",
        muon_beta_2=0.9,
        muon_soap_beta_2=0.8,
        muon_soap_interval_in_updates=3,
        cautious_weight_decay=True,
    ),
    loop=LoopConfiguration(compile=True, sample_prompt='say "ü"\n', seed=2**62, precision="bfloat16"),
)


def test_text_and_back_is_the_same_configuration() -> None:
    assert parse_recipe(recipe_text(UNUSUAL), source="itself") == UNUSUAL
    assert 'clip_gradient_norm = "none"' in recipe_text(UNUSUAL)


def test_differences_are_named_with_both_values() -> None:
    other = dataclasses.replace(UNUSUAL, loop=dataclasses.replace(UNUSUAL.loop, seed=1, compile=False))
    assert differences(UNUSUAL, other) == {"loop.seed": (2**62, 1), "loop.compile": (True, False)}
    assert differences(UNUSUAL, UNUSUAL) == {}


REFUSED = [
    ("[optimiser]\n", "it has no key 'optimiser'; did you mean 'optimizer'?"),
    ("seed = 3\n", "it has 'seed' outside of its section; put it below [loop]."),
    ("[loop]\nseeds = 3\n", "it, [loop] has no key 'seeds'; did you mean 'seed'?"),
    ("[schedule]\nwarmup_updates = 3\n", "it, [schedule] has no key 'warmup_updates'; did you mean 'warm_up_updates'?"),
    ("loop = 3\n", "it: loop is 3; it must be a section, [loop]."),
    ("[loop]\nseed = 1.0\n", "it, [loop] seed is 1.0; it must be a whole number."),
    ("[loop]\nseed = true\n", "it, [loop] seed is True; it must be a whole number."),
    ('[loop]\ncompile = "yes"\n', "it, [loop] compile is 'yes'; it must be true or false or 'auto'."),
    ("[loop]\ncompile = 3\n", "it, [loop] compile is 3; it must be true or false or 'auto'."),
    ('[speed]\nloss = "slow"\n', "it, [speed]: speed.loss is 'slow'; it must be fused or simple."),
    ('[speed]\ncompile_mode = "x"\n', "it, [speed]: speed.compile_mode is 'x'; it must be one of default, "),
    ("[loop]\nsample_prompt = 3\n", "it, [loop] sample_prompt is 3; it must be a text in quotes."),
    ('[optimizer]\nbeta_1 = "a"\n', "it, [optimizer] beta_1 is 'a'; it must be a number."),
    ("[optimizer]\nclip_gradient_norm = []\n", "it, [optimizer] clip_gradient_norm is []; it must be a number."),
    ('[optimizer]\nbeta_1 = "none"\n', "it, [optimizer] beta_1 is 'none'; it must be a number."),
    ('[optimizer]\nname = "sgd"\n', "it, [optimizer]: optimizer.name is 'sgd'; it must be adamw or muon."),
    ("[optimizer]\nname = 3\n", "it, [optimizer]: optimizer.name is 3; it must be adamw or muon."),
    ("[batch]\nshort_sequences = 5\n", "it, [batch]: batch.short_sequences is 5; it must be a list of pairs"),
    ("[loop]\nnumber_of_updates = 0\n", "it, [loop]: loop.number_of_updates is 0; it must be a positive number."),
    ("[model]\nnumber_of_heads = 5\n", "it, [model]: number_of_heads 5 does not divide number_of_embedding_dimensions"),
    ("[batch]\ntokens_per_update = 9223372036854775808\n", "it: batch.tokens_per_update is 9223372036854775808; it"),
    ("[loop]\nnumber_of_epochs = 1e308\n", "it: loop.number_of_epochs is 1e+308; it must be a number of at most "),
    (f"[loop]\ntimeout_seconds = {10**300}\n", "it: loop.timeout_seconds is 1e+300; it must be a number of at most"),
    ("[batch]\ntokens_per_update = 1000\n", "it: batch.tokens_per_update is 1000; it must be a multiple of"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cannot_be_is_refused_by_section_and_key(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
        parse_recipe(text, source="it")


def test_whole_numbers_serve_as_numbers_and_lists_as_tuples() -> None:
    parsed = parse_recipe(
        "[optimizer]\nweight_decay = 0\nclip_gradient_norm = 2\n[batch]\nshort_sequences = [[0.5, 256]]\n", source="it"
    )
    assert isinstance(parsed.optimizer.weight_decay, float)
    assert isinstance(parsed.optimizer.clip_gradient_norm, float)
    assert parsed.batch.short_sequences == ((0.5, 256),)


@pytest.mark.parametrize("word", ["none", '"none"'])
def test_none_switches_off_what_can_be_off(word: str) -> None:
    if word.startswith('"'):
        parsed = parse_recipe(f"[optimizer]\nclip_gradient_norm = {word}\n", source="it")
        assert parsed.optimizer.clip_gradient_norm is None
    else:
        with pytest.raises(CorruptFileError, match="it is not TOML"):
            parse_recipe(f"[optimizer]\nclip_gradient_norm = {word}\n", source="it")


@pytest.mark.parametrize(("word", "value"), [("true", True), ("false", False), ('"auto"', "auto")])
def test_switches_are_true_false_or_auto(word: str, value: bool | str) -> None:
    parsed = parse_recipe(f"[loop]\ncompile = {word}\n[speed]\npadded_vocabulary = {word}\n", source="it")
    assert parsed.loop.compile is value or parsed.loop.compile == value == "auto"
    assert parsed.speed.padded_vocabulary == value
    assert parse_recipe(recipe_text(parsed), source="itself") == parsed


def test_a_key_of_earlier_releases_is_read_by_its_name_now(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('[data]\njson_field = "body"\n')
    old = load_recipe(tmp_path / "run.toml")
    assert old.data.field == "body"
    assert "json_field" not in recipe_text(old)
    with pytest.raises(ConfigurationError, match=r"\[data\] has 'json_field' and 'field', which are one; keep 'field'"):
        parse_recipe('[data]\njson_field = "body"\nfield = "text"\n', source="it")


def test_a_file_is_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[loop]\nseed = 7\n")
    assert load_recipe(path).loop.seed == 7
    assert load_recipe(str(path)).loop.seed == 7


def file_that_is(tmp_path: Path, kind: str) -> Any:
    path = tmp_path / "mine.toml"
    if kind == "a directory":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a run":
        path.mkdir()
        (path / "run.toml").touch()
    elif kind in ("empty", "comments"):
        path.write_text("" if kind == "empty" else "# nothing but a word\n\n")
    elif kind == "no text":
        path.write_bytes(b"\xff\xfe")
    elif kind == "no TOML":
        path.write_text("[loop\n")
    return path


@pytest.mark.parametrize(
    ("kind", "problem", "message"),
    [
        ("absent", StorageError, r"cannot read .*mine.toml: No such file or directory$"),
        (
            "a directory",
            ConfigurationError,
            r"mine.toml is a directory, no recipe\. A .* finetune, .*, or a \.toml file\.$",
        ),
        (
            "a run",
            ConfigurationError,
            r"a \.toml file, such as .*mine\.toml/run\.toml, by which the run there was made\.$",
        ),
        (
            "a pipe",
            ConfigurationError,
            r"mine.toml is a pipe; a recipe is read more than once\. Write it into a \.toml",
        ),
        ("empty", ConfigurationError, r"mine.toml says nothing: a recipe has sections, such as \[data\], with what"),
        ("comments", ConfigurationError, r"mine.toml says nothing: a recipe has sections"),
        ("no text", CorruptFileError, r"mine.toml is not TOML: 'utf-8' codec can't decode"),
        ("no TOML", CorruptFileError, r"mine.toml is not TOML: .*line 1"),
    ],
)
def test_a_file_that_is_no_recipe_is_named(kind: str, problem: type[Exception], message: str, tmp_path: Path) -> None:
    with pytest.raises(problem, match=message):
        load_recipe(file_that_is(tmp_path, kind))


def test_an_unknown_name_lists_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_recipe("quikstart")
    assert str(caught.value) == (
        f"there is no recipe 'quikstart'; did you mean quickstart? Choose one of "
        f"{', '.join(recipe_names())}, or the path of a .toml file."
    )
