"""Every rule of every section: the message names the field, its value and the rule."""

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import pytest

from gpt25.errors import ConfigurationError
from gpt25.training import (
    BatchConfiguration,
    DataConfiguration,
    HistoryConfiguration,
    LoopConfiguration,
    OptimizerConfiguration,
    ScheduleConfiguration,
    SpeedConfiguration,
    StartConfiguration,
    TrackConfiguration,
    TrainingConfiguration,
)

REFUSED = [
    (
        TrackConfiguration,
        "loss_at_most",
        5.0,
        "track.loss_at_most is 5.0; it must be a list of pairs of millions of",
    ),
    (TrackConfiguration, "loss_at_most", ((1,),), "track.loss_at_most is (1,); it must be a list of pairs of millions"),
    (
        TrackConfiguration,
        "loss_at_most",
        ((2, 5), (1, 4)),
        "track.loss_at_most is (1, 4); it must be rising numbers",
    ),
    (TrackConfiguration, "loss_at_least", -1.0, "track.loss_at_least is -1.0; it must be a positive number."),
    (StartConfiguration, "model", "", "start.model is ''; it must be a MODEL, or none for random weights."),
    (DataConfiguration, "texts", "a.txt", "data.texts is 'a.txt'; it must be a list of files, folders or globs, each"),
    (DataConfiguration, "texts", (3,), "data.texts is (3,); it must be a list of files, folders or globs, each a text"),
    (DataConfiguration, "validation_fraction", 1.5, "data.validation_fraction is 1.5; it must be a fraction from 0"),
    (DataConfiguration, "invalid_utf8", "drop", "data.invalid_utf8 is 'drop'; it must be strict, replace or skip."),
    (LoopConfiguration, "shard_parameters", 1, "loop.shard_parameters is 1; it must be true or false."),
    (LoopConfiguration, "number_of_epochs", 0.0, "loop.number_of_epochs is 0.0; it must be a positive number."),
    (DataConfiguration, "validation_tokens", 0, "data.validation_tokens is 0; it must be a positive number."),
    (BatchConfiguration, "tokens_per_update", -1, "batch.tokens_per_update is -1; it must be a positive number."),
    (
        BatchConfiguration,
        "micro_batch_rows",
        "many",
        "batch.micro_batch_rows is 'many'; it must be a positive number, or auto.",
    ),
    (
        BatchConfiguration,
        "micro_batch_rows",
        True,
        "batch.micro_batch_rows is True; it must be a positive number, or auto.",
    ),
    (
        SpeedConfiguration,
        "share_orthogonalisation",
        "auto",
        "speed.share_orthogonalisation is 'auto'; it must be true or false.",
    ),
    (OptimizerConfiguration, "name", "sgd", "optimizer.name is 'sgd'; it must be adamw or muon."),
    (OptimizerConfiguration, "peak_learning_rate", math.nan, "optimizer.peak_learning_rate is nan"),
    (OptimizerConfiguration, "peak_learning_rate", "high", "optimizer.peak_learning_rate is 'high'"),
    (OptimizerConfiguration, "epsilon", math.inf, "optimizer.epsilon is inf; it must be a positive number."),
    (OptimizerConfiguration, "beta_1", 1.0, "optimizer.beta_1 is 1.0; it must be at least 0 and below 1."),
    (OptimizerConfiguration, "muon_momentum", -0.1, "optimizer.muon_momentum is -0.1"),
    (
        OptimizerConfiguration,
        "weight_decay",
        -1.0,
        "optimizer.weight_decay is -1.0; it must be 0 or a positive number.",
    ),
    (
        OptimizerConfiguration,
        "position_rate_multiplier",
        -0.5,
        "optimizer.position_rate_multiplier is -0.5; it must be 0 or a positive number.",
    ),
    (
        OptimizerConfiguration,
        "bias_rate_multiplier",
        math.inf,
        "optimizer.bias_rate_multiplier is inf; it must be 0 or",
    ),
    (OptimizerConfiguration, "gain_rate_multiplier", "x", "optimizer.gain_rate_multiplier is 'x'; it must be 0 or a"),
    (OptimizerConfiguration, "embedding_rate_multiplier", math.nan, "optimizer.embedding_rate_multiplier is nan; it"),
    (OptimizerConfiguration, "muon_momentum_warm_up_fraction", 2.0, "it must be a fraction from 0 to 1."),
    (
        OptimizerConfiguration,
        "muon_polynomial",
        "newton",
        "optimizer.muon_polynomial is 'newton'; it must be polar_express or newton_schulz.",
    ),
    (
        OptimizerConfiguration,
        "muon_beta_2",
        1.0,
        "optimizer.muon_beta_2 is 1.0; it must be at least 0 and below 1, or none.",
    ),
    (
        OptimizerConfiguration,
        "muon_soap_beta_2",
        1,
        "optimizer.muon_soap_beta_2 is 1; it must be at least 0 and below 1",
    ),
    (
        OptimizerConfiguration,
        "muon_soap_interval_in_updates",
        0,
        "optimizer.muon_soap_interval_in_updates is 0; it must",
    ),
    (OptimizerConfiguration, "muon_beta_2", "high", "optimizer.muon_beta_2 is 'high'; it must be at least 0 and below"),
    (
        OptimizerConfiguration,
        "cautious_weight_decay",
        1,
        "optimizer.cautious_weight_decay is 1; it must be true or false.",
    ),
    (OptimizerConfiguration, "clip_gradient_norm", 0.0, "optimizer.clip_gradient_norm is 0.0"),
    (ScheduleConfiguration, "name", "step", "schedule.name is 'step'; it must be constant, cosine or trapezoid."),
    (ScheduleConfiguration, "warm_up_updates", -1, "schedule.warm_up_updates is -1; it must be 0 or more."),
    (
        ScheduleConfiguration,
        "decay_fraction",
        1.5,
        "schedule.decay_fraction is 1.5; it must be a fraction from 0 to 1.",
    ),
    (
        ScheduleConfiguration,
        "decay_shape",
        "cubic",
        "schedule.decay_shape is 'cubic'; it must be linear or square_root.",
    ),
    (
        ScheduleConfiguration,
        "decay_shape",
        "square_root",
        "schedule.decay_shape is 'square_root'; it must be linear where schedule.name is 'cosine': only the fall of a",
    ),
    (LoopConfiguration, "number_of_updates", 0, "loop.number_of_updates is 0; it must be a positive number."),
    (LoopConfiguration, "timeout_seconds", math.inf, "loop.timeout_seconds is inf; it must be a positive number."),
    (LoopConfiguration, "seed", -1, "loop.seed is -1; it must be 0 or more."),
    (LoopConfiguration, "failed_saves_allowed", -1, "loop.failed_saves_allowed is -1; it must be 0 or more."),
    (LoopConfiguration, "compile", "no", "loop.compile is 'no'; it must be true, false or auto."),
    (
        SpeedConfiguration,
        "short_residual_stream",
        "auto",
        "speed.short_residual_stream is 'auto'; it must be true or false.",
    ),
    (SpeedConfiguration, "padded_vocabulary", 64, "speed.padded_vocabulary is 64; it must be true, false or auto."),
    (
        SpeedConfiguration,
        "compile_region",
        "layer",
        "speed.compile_region is 'layer'; it must be auto, model or",
    ),
    (LoopConfiguration, "precision", "int8", "loop.precision is 'int8'; it must be auto, float32 or bfloat16."),
]


@pytest.mark.parametrize(("section", "field", "value", "message"), REFUSED)
def test_a_value_that_cannot_be_is_refused_by_name(section: Any, field: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        section(**{field: value})


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (5, "is 5; it must be a list of pairs of a fraction and a length, such as [[0.1, 64], [0.3, 128]]."),
        ((5,), "is 5; it must be a list of pairs"),
        (((0.1, 8, 9),), "is (0.1, 8, 9); it must be a list of pairs"),
        ((("a", 8),), "is ('a', 8); it must be a list of pairs"),
        (((0.0, 8),), "is 0.0; it must be rising fractions above 0 and up to 1."),
        (((0.5, 8), (0.4, 16)), "is 0.4; it must be rising fractions"),
        (((0.5, 0),), "is 0; it must be a whole number of tokens, at least 1."),
        (((0.5, 8.5),), "is 8.5; it must be a whole number of tokens"),
    ],
)
def test_a_curriculum_that_cannot_be_is_refused(stages: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"batch.short_sequences {message}")):
        BatchConfiguration(short_sequences=stages)


def test_sections_must_fit_each_other(changed: Callable[..., TrainingConfiguration]) -> None:
    with pytest.raises(ConfigurationError, match=r"tokens_per_update is 100; it must be a multiple of .*block_size 32"):
        changed(batch={"tokens_per_update": 100})
    with pytest.raises(ConfigurationError, match=r"short_sequences is 12; it must be a divisor of model.block_size 32"):
        changed(batch={"short_sequences": ((0.5, 12),)})
    with pytest.raises(
        ConfigurationError, match=r"warm_up_updates is 9; it must be at most loop.number_of_updates 8, "
    ):
        changed(schedule={"warm_up_updates": 9})
    assert changed(schedule={"warm_up_updates": 8}).schedule.warm_up_updates == 8


@pytest.mark.parametrize(
    "extensions", [((9, 8),), ((2, 3), (1, 5)), ((2, 3), (3, 3)), ((True, 3),), ((2,),), ((2.0, 3),), [[2, 3]], 5]
)
def test_a_history_that_cannot_be_is_refused(extensions: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"history.extensions is .*; it must be a list of pairs of updates, r"):
        HistoryConfiguration(extensions=extensions)


def test_a_history_is_of_a_shorter_run_that_a_known_command_began(
    changed: Callable[..., TrainingConfiguration],
) -> None:
    assert changed(history={"extensions": ((2, 5), (5, 7))}).updates_at_first == 5
    with pytest.raises(ConfigurationError, match=r"history.extensions is 8; it must be below .* 8: an extension makes"):
        changed(history={"extensions": ((2, 8),)})
    with pytest.raises(ConfigurationError, match=r"history.begun_by is 'x'; it must be quickstart or none."):
        changed(history={"begun_by": "x"})


def test_derived_numbers(changed: Callable[..., TrainingConfiguration]) -> None:
    settings = changed(batch={"short_sequences": ((0.25, 8), (0.5, 16))})
    assert settings.rows_per_update == 4
    assert settings.total_tokens == 8 * 128
    assert [settings.sequence_length(update) for update in range(8)] == [8, 8, 16, 16, 32, 32, 32, 32]
    assert TrainingConfiguration().rows_per_update == 512
    assert TrainingConfiguration().total_tokens == pytest.approx(10e9, rel=1e-4)


def test_shards_and_texts_exclude_each_other() -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataConfiguration(directory="shards", texts=("a.txt",))
    assert str(caught.value) == (
        "data.texts is ('a.txt',); it must be empty beside data.directory 'shards': give shards or texts (the word "
        "none takes one back)."
    )


@pytest.mark.parametrize("start", [StartConfiguration(required=True), StartConfiguration(model="gpt2")])
def test_whole_rows_are_asked_for_once_the_models_block_size_is_known(start: StartConfiguration) -> None:
    batch = BatchConfiguration(tokens_per_update=512)
    TrainingConfiguration(start=start, batch=batch)
    known = dataclasses.replace(start, model="gpt2", weights_sha256="0" * 64)
    with pytest.raises(ConfigurationError, match="tokens_per_update is 512; it must be a multiple of model.block_size"):
        TrainingConfiguration(start=known, batch=batch)


def test_muon_needs_whole_matrices() -> None:
    loop = LoopConfiguration(shard_parameters=True)
    TrainingConfiguration(loop=loop)
    with pytest.raises(ConfigurationError, match=r"^optimizer.name is 'muon'; it must be adamw where loop.shard_param"):
        TrainingConfiguration(loop=loop, optimizer=OptimizerConfiguration(name="muon"))


def test_the_simple_loss_has_the_models_own_stream() -> None:
    rule = (
        r"^speed.short_residual_stream is True; it must be false where speed.loss is simple, which is the model's own"
    )
    with pytest.raises(ConfigurationError, match=rule):
        SpeedConfiguration(short_residual_stream=True, loss="simple")


def fields_of_numbers() -> list[tuple[str, str]]:
    """Every field of every section that holds a number."""
    configuration = TrainingConfiguration()
    found = []
    for section in dataclasses.fields(configuration):
        for name, hint in get_type_hints(type(getattr(configuration, section.name))).items():
            kinds = {hint, *get_args(hint)}
            if kinds & {int, float} and bool not in kinds:
                found.append((section.name, name))
    return found


def configuration_with(section: str, field: str, value: Any) -> TrainingConfiguration:
    """The defaults but for one field."""
    part = dataclasses.replace(getattr(TrainingConfiguration(), section), **{field: value})
    return TrainingConfiguration(**{section: part})


@pytest.mark.parametrize(("section", "field"), fields_of_numbers())
def test_every_number_has_an_upper_bound(section: str, field: str) -> None:
    for value in (1 << 63, 10**400, 1e308):
        with pytest.raises(ConfigurationError) as caught:
            configuration_with(section, field, value)
        assert str(caught.value).startswith((f"{section}.{field} is ", f"{field} is "))


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("batch", "smaller_updates", ((0.5, 1 << 63),)),
        ("batch", "short_sequences", ((0.5, 1 << 63),)),
        ("track", "loss_at_most", ((1e300, 3.0),)),
        ("track", "loss_at_most", ((10**400, 3.0),)),
    ],
)
def test_so_have_the_numbers_in_lists(section: str, field: str, value: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{section}\.{field} is .*; it must be "):
        configuration_with(section, field, value)


def test_the_largest_numbers_are_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfiguration(loop=LoopConfiguration(number_of_epochs=1e308))
    assert str(caught.value) == "loop.number_of_epochs is 1e+308; it must be a number of at most 1,000,000,000."
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfiguration(batch=BatchConfiguration(tokens_per_update=1 << 63))
    rule = "it must be a number of at most 1,099,511,627,776."
    assert str(caught.value) == f"batch.tokens_per_update is 9223372036854775808; {rule}"
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfiguration(loop=LoopConfiguration(seed=10**5000))
    rule = "it must be a number of at most 9,223,372,036,854,775,807."
    assert str(caught.value) == f"loop.seed is a whole number of some 5,000 digits; {rule}"
    assert TrainingConfiguration(loop=LoopConfiguration(seed=(1 << 63) - 1)).loop.seed == (1 << 63) - 1
