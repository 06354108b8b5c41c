"""The figures of a model's parts: what stands on them is what inspection finds, and the commands draw the same."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from gpt25 import figures
from gpt25.cli.main import main
from gpt25.errors import InspectionError
from gpt25.figures.circuits.ablation import ablation_question
from gpt25.figures.circuits.patching import patching_question
from gpt25.figures.opened import opened
from gpt25.inspection import (
    ablation,
    activation_patching,
    excited_neurons,
    head_scores,
    logit_attribution,
    neuron_ablation,
    path_patching,
    position_ablation,
    prompt_pair,
    residual_norms,
)
from gpt25.plots.pictures.figure_bytes import figure_bytes
from gpt25.storage import write_json, write_manifest, write_text
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained, write_model_files

if TYPE_CHECKING:
    from conftest import MakeModel

PROMPT, AGAINST = "ab ab", "ab cb"
PAIR = ["--answer", "x", "--other", "y"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_model: "MakeModel", byte_tokenizer: Tokenizer) -> Path:
    """A model a, mute without a tokenizer, and a run with checkpoints of updates 5, 10 and 15."""
    folder = tmp_path_factory.mktemp("models")
    save_pretrained(make_model(), byte_tokenizer, folder / "a")
    save_pretrained(make_model(), None, folder / "mute")
    (folder / "run").mkdir()
    write_text(folder / "run" / "run.toml", "")
    for update in (5, 10, 15):
        checkpoint = folder / "run" / "checkpoints" / f"update-{update:06d}"
        checkpoint.mkdir(parents=True)
        write_model_files(make_model(seed=update), byte_tokenizer, checkpoint)
        write_json(checkpoint / "state.json", {"update": update, "metrics": {}})
        write_manifest(checkpoint)
    return folder


@pytest.fixture
def ids(byte_tokenizer: Tokenizer) -> list[int]:
    return byte_tokenizer.encode(PROMPT)


def panels_of(figure: Figure) -> dict[str, Axes]:
    return {panel.get_title(loc="left"): panel for panel in figure.get_axes() if panel.get_title(loc="left")}


def drawn(panel: Axes) -> np.ndarray:
    (image,) = panel.get_images()
    return np.ma.filled(image.get_array(), np.nan)


def test_scores_of_heads_are_drawn(make_model: "MakeModel") -> None:
    model = make_model()
    scores = head_scores(model, seed=3)
    panels = panels_of(figures.head_scores(model, seed=3))
    assert np.array_equal(drawn(panels["Previous token"]), scores.previous_token)
    assert np.array_equal(drawn(panels["Duplicate token"]), scores.duplicate_token)
    assert np.array_equal(drawn(panels["Induction"]), scores.induction)


def test_patching_is_drawn(make_model: "MakeModel", byte_tokenizer: Tokenizer, ids: list[int]) -> None:
    model = make_model()
    options: dict[str, Any] = {"answer": "x", "other": "y", "tokenizer": byte_tokenizer}
    answer, other = byte_tokenizer.encode("xy")
    pair = prompt_pair(model, ids, byte_tokenizer.encode(AGAINST), answer=answer, other=other)
    found = activation_patching(model, pair)
    panels = panels_of(figures.patching(model, PROMPT, AGAINST, **options))
    assert np.array_equal(drawn(panels["Residual stream before"]), found.residual)
    assert np.array_equal(drawn(panels["Attention"]), found.attention)
    assert np.array_equal(drawn(panels["Perceptron"]), found.multi_layer_perceptron)
    assert np.array_equal(drawn(panels["Heads, at all positions"]), found.heads)
    assert [t.get_text() for t in panels["Attention"].get_xticklabels()] == ["a", "b", "·", "a / c", "b"]
    receiver = "transformer.hidden.1.attention.key"
    paths = path_patching(model, pair, receiver=receiver, receiver_head=1)
    panels = panels_of(figures.patching(model, PROMPT, AGAINST, receiver=receiver, receiver_head=1, **options))
    assert np.array_equal(drawn(panels["Heads, at all positions"]), paths.heads, equal_nan=True)
    assert np.array_equal(drawn(panels["Embeddings"])[0], paths.embeddings)


def test_attribution_is_drawn(make_model: "MakeModel", byte_tokenizer: Tokenizer, ids: list[int]) -> None:
    model = make_model()
    answer, other = byte_tokenizer.encode("xy")
    found = logit_attribution(model, ids, token_id=answer, against=other)
    panels = panels_of(figures.attribution(model, PROMPT, answer="x", other="y", tokenizer=byte_tokenizer))
    assert np.allclose(drawn(panels["Heads"]), found.heads)
    halves, ends = drawn(panels["Halves of a layer"]), drawn(panels["Ends"])
    assert halves.sum() + ends.sum() == pytest.approx(found.logit, abs=1e-5), "what is drawn is not the whole logit"


def test_ablation_is_drawn(make_model: "MakeModel", byte_tokenizer: Tokenizer, ids: list[int]) -> None:
    model = make_model()
    read: dict[str, Any] = {"tokenizer": byte_tokenizer}
    found = ablation(model, ids, replacement="zero")
    panels = panels_of(figures.ablation(model, PROMPT, replacement="zero", **read))
    assert np.allclose(drawn(panels["Without one head"]), found.heads)
    assert np.allclose(drawn(panels["Without one half"])[:, 1], found.multi_layer_perceptron)
    neurons = neuron_ablation(model, ids, layer=0)
    panels = panels_of(figures.ablation(model, PROMPT, of="neurons", layer=0, **read))
    assert np.allclose(drawn(panels["Neurons of layer 0"]).ravel(), neurons)
    positions = position_ablation(model, ids)
    panels = panels_of(figures.ablation(model, PROMPT, of="positions", **read))
    assert np.allclose(drawn(panels["A token hidden from all later ones"])[0], positions.hidden)
    costs = drawn(panels["Other positional embeddings"]).mean(1)
    expected = [positions.shuffled, positions.zero, positions.mean]
    assert np.allclose(costs, np.array(expected) - positions.loss)
    with pytest.raises(InspectionError, match="a layer is chosen for neurons; of heads all layers are drawn"):
        figures.ablation(model, PROMPT, layer=1, **read)


def test_neurons_are_drawn(make_model: "MakeModel", byte_tokenizer: Tokenizer, ids: list[int]) -> None:
    model = make_model()
    strongest = excited_neurons(model, ids, position=1, count=3)
    figure = figures.neurons(model, PROMPT, position=1, count=3, tokenizer=byte_tokenizer)
    (panel,) = panels_of(figure).values()
    assert np.allclose(drawn(panel)[::-1, 1], [each.activation for each in strongest])
    labels = [text.get_text() for text in panel.get_yticklabels()][::-1]
    assert [label.split()[0] for label in labels] == [f"{each.layer}.{each.neuron}" for each in strongest]


def test_norms_are_drawn(make_model: "MakeModel", byte_tokenizer: Tokenizer, ids: list[int]) -> None:
    model = make_model()
    found = residual_norms(model, ids)
    panels = panels_of(figures.residual(model, PROMPT, tokenizer=byte_tokenizer))
    assert np.allclose(drawn(panels["Residual stream before"]), found.stream)
    assert np.allclose(drawn(panels["What attention adds"]), found.attention)
    assert np.allclose(drawn(panels["What the perceptron adds"]), found.multi_layer_perceptron)


def test_anything_is_drawn_over_a_run(folder: Path) -> None:
    figure = figures.over_checkpoints(
        folder / "run", lambda checkpoint: {"induction": head_scores(checkpoint.model).induction.max()}, label="share"
    )
    (line,) = figure.get_axes()[0].get_lines()
    models = [load_pretrained(folder / "run", checkpoint=str(update))[0] for update in (5, 10, 15)]
    expected = [head_scores(model).induction.max() for model in models]
    assert list(line.get_xdata()) == [5, 10, 15]
    said = " ".join(" ".join(text.get_text() for text in figure.findobj(Text)).split())
    assert "A point is a checkpoint: see which line begins to move first" in said
    assert np.allclose(line.get_ydata(), expected)
    assert len(set(expected)) == 3


COMMANDS: dict[str, list[str]] = {
    "head-scores": [],
    "patching": ["--prompt", PROMPT, "--against", AGAINST, *PAIR],
    "attribution": ["--prompt", PROMPT, "--answer", "x"],
    "ablation": ["--prompt", PROMPT],
    "neurons": ["--prompt", PROMPT, "--count", "4"],
    "residual": ["--prompt", PROMPT],
}


def figure_of(command: str, model: Path) -> Figure:
    """What the command of that name must draw."""
    match command:
        case "head-scores":
            return figures.head_scores(model)
        case "patching":
            return figures.patching(model, PROMPT, AGAINST, answer="x", other="y")
        case "attribution":
            return figures.attribution(model, PROMPT, answer="x")
        case "ablation":
            return figures.ablation(model, PROMPT)
        case "neurons":
            return figures.neurons(model, PROMPT, count=4)
    return figures.residual(model, PROMPT)


def answer(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Any:
    assert main(["plot", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_draw_the_same_figures(
    command: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [command, str(folder / "a"), *COMMANDS[command], "--output"]
    assert main(["plot", *words, str(tmp_path / "a.svg")]) == 0
    said = capsys.readouterr().out
    assert f"are drawn in {tmp_path}/a.svg." in said
    assert (tmp_path / "a.svg").read_bytes() == figure_bytes(figure_of(command, folder / "a"), "svg")
    given = answer(capsys, *words, tmp_path / "a.html")
    assert given["output"] == f"{tmp_path}/a.html"
    assert len(given) > 2, "the figures are missing"
    if command != "head-scores":
        assert given["tokens"] == ["a", "b", "·", "a", "b"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_goes_over_a_run_s_checkpoints(
    command: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [command, folder / "run", *COMMANDS[command], "--over-checkpoints", "--output"]
    given = answer(capsys, *words, tmp_path / "a.html")
    assert given["updates"] == [5, 10, 15]
    assert all(len(values) == 3 and None not in values for values in given["lines"].values())
    assert any(len(set(values)) == 3 for values in given["lines"].values()), "nothing changes between the checkpoints"
    assert main(["plot", *map(str, words), str(tmp_path / "a.png")]) == 0


@pytest.mark.parametrize("of", ["neurons", "positions"])
def test_neurons_and_positions_are_taken_away_over_a_run_too(
    of: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["ablation", folder / "run", "--prompt", PROMPT, "--of", of, "--over-checkpoints"]
    given = answer(capsys, *words, "--output", tmp_path / "a.png")
    model, tokenizer = load_pretrained(folder / "run", checkpoint="10")
    assert tokenizer is not None
    ids = tokenizer.encode(PROMPT)
    if of == "neurons":
        expected = neuron_ablation(model, ids, layer=1)
        assert np.allclose([given["lines"][f"neuron 1.{n}"][1] for n in range(64)], expected)
    else:
        found = position_ablation(model, ids)
        assert given["lines"]["shuffled"][1] == pytest.approx(found.shuffled - found.loss)


def test_texts_that_excite_a_neuron_are_shown(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "texts.txt").write_text("some text that holds words\n" * 5, encoding="utf-8")
    words = ["neurons", folder / "a", "--prompt", PROMPT, "--count", "2", "--texts", tmp_path / "texts.txt"]
    given = answer(capsys, *words, "--output", tmp_path / "a.html")
    assert len(given["top_texts"]) == 2
    strongest = [place["activation"] for place in given["top_texts"][0]]
    assert strongest == sorted(strongest, reverse=True)
    assert {len(place["token"]) for place in given["top_texts"][0]} == {1}
    assert "Texts that excite neuron" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert main(["plot", *map(str, words), "--output", str(tmp_path / "a.png")]) == 0
    assert f"Texts that excite neuron {given['neurons'][0]['layer']}." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("patching {a} --prompt ab", "patching compares two prompts; name the other one with --against"),
        ("patching {a} --prompt ab --against abc", "the prompts have 2 and 3 tokens"),
        ("patching {a} --prompt ab --against ac --answer xy", "the answer must be one token, and 'xy' is 2: x y"),
        ("patching {a} --prompt ab --against ac --answer x --other y --receiver z", "'z' receives nothing"),
        ("patching {a} --prompt ab --against ac --receiver-head 0", "name a receiver too"),
        ("attribution {a} --prompt ab --other xyz", "the other token must be one token, and 'xyz' is 3"),
        ("attribution {mute} --prompt ab", "this model has no tokenizer"),
        ("ablation {a} --prompt a", "the text has one token, and a loss needs one that follows"),
        ("ablation {a} --prompt ab --of neurons --layer 2", "layer is 2; this model's layers are 0 to 1"),
        ("ablation {a} --prompt ab --layer 1", "a layer is chosen for neurons"),
        ("neurons {a} --prompt ab --count 51", "count is 51; it must be from 1 to 50"),
        ("neurons {a} --prompt ab --position 2", "position is 2; this text has the positions 0 to 1"),
        ("neurons {a} --prompt ab --texts {out}/no.txt", "no.txt"),
        ("residual {a} --prompt {long}", "the prompt has 65 tokens, but the model's block size is 48"),
        ("residual {a} --prompt ab --over-checkpoints", "is not a run, so it has no checkpoints to go over"),
        ("head-scores {run} --over-checkpoints --checkpoint 5", "leave --checkpoint out"),
    ],
)
def test_bad_words_are_refused(
    words: str, message: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {name: folder / name for name in ("a", "mute", "run")}
    filled = words.format(**places, out=tmp_path, long="x" * 65)
    assert main(["plot", *filled.split(), "--output", f"{tmp_path}/a.png"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_lines_need_two_checkpoints(folder: Path, tmp_path: Path) -> None:
    lonely = tmp_path / "lonely"
    (lonely / "checkpoints").mkdir(parents=True)
    (lonely / "checkpoints" / "update-000005").symlink_to(folder / "run" / "checkpoints" / "update-000005")
    with pytest.raises(InspectionError, match="keeps 1 complete checkpoints, and lines need 2"):
        figures.over_checkpoints(lonely, lambda _: {"a": 1.0})


@pytest.mark.parametrize("of", ["patching", "heads", "neurons"])
def test_a_long_look_says_how_far_it_is(of: Any, make_model: "MakeModel", byte_tokenizer: Tokenizer) -> None:
    given = opened(make_model(), tokenizer=byte_tokenizer)
    question = (
        patching_question(given, PROMPT, AGAINST, "x", "y")
        if of == "patching"
        else ablation_question(given, PROMPT, of)
    )
    told: list[int] = []
    question.look(given, told.append)
    assert question.runs == sum(told) > 0
    assert len(told) > 1 or of == "neurons"
