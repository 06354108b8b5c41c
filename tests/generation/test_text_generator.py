import copy
from collections.abc import Callable

import pytest
import torch

from gpt25.errors import GenerationError, TokenizerError
from gpt25.generation import History, Piece, SamplingSettings, TextGenerator, sample_next
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.runtime import generator_for
from gpt25.tokenizer import Tokenizer

SETTINGS = [
    {"temperature": 0},
    {"temperature": 1.0},
    {"temperature": 0.7, "top_k": 20, "top_p": 0.8},
    {"temperature": 0.9, "logit_bias": {101: -100, 32: 3.5, 256: -100}},
    {"min_p": 0.05, "repetition_penalty": 1.4, "frequency_penalty": 0.5, "presence_penalty": -0.5},
]


def uncached(model: GPTModel, prompt_ids: list[int], settings: SamplingSettings, *, index: int, end: int) -> list[int]:
    """The new tokens of sample `index`, by reading everything again for every token."""
    assert settings.seed is not None
    assert settings.max_new_tokens is not None
    chance = generator_for(settings.seed, "sample", index)
    generated: list[int] = []
    while len(generated) < settings.max_new_tokens:
        with torch.no_grad():
            logits = model(torch.tensor([prompt_ids + generated]))[:, -1]  # (1, vocabulary)
        uniform = torch.rand((), dtype=torch.float64, generator=chance).item()
        (token_id,) = sample_next(
            logits, settings=[settings], histories=[History(prompt_ids, generated)], uniforms=[uniform]
        ).tolist()
        if token_id == end:
            break
        generated.append(token_id)
    return generated


def joined(pieces: list[Piece], index: int) -> tuple[str, tuple[int, ...]]:
    mine = [piece for piece in pieces if piece.index == index]
    return "".join(piece.text for piece in mine), tuple(token_id for piece in mine for token_id in piece.token_ids)


@pytest.mark.parametrize("chosen", SETTINGS)
@pytest.mark.parametrize("prompt", ["", "a", "The quick brown fox"])
def test_cached_generation_is_uncached_generation(
    generator: TextGenerator, chosen: dict[str, float], prompt: str
) -> None:
    settings = SamplingSettings(seed=11, samples=3, max_new_tokens=25, **chosen)  # type: ignore[arg-type]
    samples = generator.generate(prompt, settings=settings)
    end = generator.tokenizer.end_of_text_id
    for index, sample in enumerate(samples):
        expected = uncached(generator.model, generator.prompt_ids(prompt), settings, index=index, end=end)
        assert list(sample.token_ids) == expected


def test_the_same_seed_gives_the_same_sample_alone_and_beside_others(
    generator: TextGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = generator.generate("abc", samples=6, seed=5, max_new_tokens=20)
    assert len({sample.token_ids for sample in together}) == 6
    assert generator.generate("abc", samples=1, seed=5, max_new_tokens=20) == together[:1]
    assert generator.generate("abc", samples=4, seed=5, max_new_tokens=20) == together[:4]
    monkeypatch.setattr("gpt25.generation.text_generator._BYTES_PER_BATCH", 1)  # one row at a time
    assert generator.generate("abc", samples=6, seed=5, max_new_tokens=20) == together
    assert generator.generate("abc", samples=6, seed=6, max_new_tokens=20) != together


def test_samples_that_end_at_different_times_do_not_disturb_the_others(generator: TextGenerator) -> None:
    options = {"samples": 8, "seed": 1, "max_new_tokens": 30, "temperature": 3.0}
    undisturbed = generator.generate("abc", **options)  # type: ignore[arg-type]
    stopped = generator.generate("abc", **options, stop=list("abcdefghijklmnop"))  # type: ignore[arg-type]
    assert len({len(sample.token_ids) for sample in stopped}) > 3, "they must end at different times"
    for with_stop, without in zip(stopped, undisturbed, strict=True):
        assert with_stop.token_ids == without.token_ids[: len(with_stop.token_ids)]


def test_the_prompt_is_read_once_and_finished_rows_leave(
    write_script: Callable[..., GPTModel], byte_tokenizer: Tokenizer
) -> None:
    model = write_script({})  # all tokens equally likely
    shapes: list[tuple[int, ...]] = []
    model.transformer.register_forward_pre_hook(lambda module, inputs: shapes.append(tuple(inputs[0].shape)))
    samples = TextGenerator(model, byte_tokenizer).generate(
        "12345", samples=16, seed=3, max_new_tokens=20, stop=list("abcdefghijklmnop")
    )
    # How many tokens were drawn before the last one, which nobody reads: <|endoftext|> is drawn but not reported.
    read = [
        len(s.token_ids) - (s.text != byte_tokenizer.decode(s.token_ids) or s.finish_reason == "length")
        for s in samples
    ]
    assert len(set(read)) > 3, "they must end at different times"
    assert shapes == [(1, 5), *((sum(count >= step for count in read), 1) for step in range(1, max(read) + 1))]


@pytest.mark.parametrize("seed", range(12))
def test_pieces_join_to_the_sample_and_its_text_is_its_decoded_ids(generator: TextGenerator, seed: int) -> None:
    options = {"samples": 3, "seed": seed, "max_new_tokens": 40, "temperature": 1.5}
    samples = generator.generate("x", **options)  # type: ignore[arg-type]
    pieces = list(generator.stream("x", **options))  # type: ignore[arg-type]
    for index, sample in enumerate(samples):
        assert joined(pieces, index) == (sample.text, sample.token_ids)
        assert sample.text == generator.tokenizer.decode(sample.token_ids)
    for index in range(3):
        mine = [piece for piece in pieces if piece.index == index]
        assert all(piece.text and piece.finish_reason is None for piece in mine[:-1])
        assert mine[-1].finish_reason == samples[index].finish_reason


def script_after(prompt: str, tokenizer: Tokenizer, text: str, *, ends: bool = False) -> dict[int, int]:
    """What `write_script` needs so that `text` follows `prompt`."""
    start = len(tokenizer.encode(prompt)) - 1
    tokens = [*tokenizer.encode(text), *([tokenizer.end_of_text_id] if ends else [])]
    return {start + place: token_id for place, token_id in enumerate(tokens)}


def test_a_character_split_over_tokens_comes_whole(
    write_script: Callable[..., GPTModel], byte_tokenizer: Tokenizer
) -> None:
    model = write_script(script_after("ab", byte_tokenizer, "é🙂!", ends=True))
    pieces = list(TextGenerator(model, byte_tokenizer).stream("ab", temperature=0))
    assert [(piece.text, len(piece.token_ids), piece.finish_reason) for piece in pieces] == [
        ("é", 2, None),
        ("🙂", 4, None),
        ("!", 1, None),
        ("", 0, "stop"),
    ]
    (cut_off,) = TextGenerator(model, byte_tokenizer).generate("ab", temperature=0, max_new_tokens=4)
    assert (cut_off.text, len(cut_off.token_ids), cut_off.finish_reason) == ("é\ufffd", 4, "length")


def test_the_text_ends_at_end_of_text(write_script: Callable[..., GPTModel], byte_tokenizer: Tokenizer) -> None:
    model = write_script(script_after("ab", byte_tokenizer, "Yes.", ends=True))
    (sample,) = TextGenerator(model, byte_tokenizer).generate("ab", temperature=0)
    assert (sample.text, sample.finish_reason) == ("Yes.", "stop")
    assert list(sample.token_ids) == byte_tokenizer.encode("Yes.")


def test_a_stop_string_is_found_across_tokens_and_cut_off(
    write_script: Callable[..., GPTModel], byte_tokenizer: Tokenizer
) -> None:
    model = write_script(script_after("ab", byte_tokenizer, "One\nUse\nUser: two", ends=True))
    generator = TextGenerator(model, byte_tokenizer)
    (sample,) = generator.generate("ab", temperature=0, stop=["\nUser:", "two"])
    assert (sample.text, sample.finish_reason) == ("One\nUse", "stop")
    assert list(sample.token_ids) == byte_tokenizer.encode("One\nUse\nUser:")
    pieces = [piece.text for piece in generator.stream("ab", temperature=0, stop="\nUser:")]
    assert pieces == ["O", "n", "e", "\nUse", ""]
    (at_the_limit,) = generator.generate("ab", temperature=0, stop="One", max_new_tokens=3)
    assert (at_the_limit.text, at_the_limit.finish_reason) == ("", "stop")
    (in_the_prompt,) = generator.generate("ab", temperature=0, stop="abO", max_new_tokens=3)
    assert (in_the_prompt.text, in_the_prompt.finish_reason) == ("One", "length")


def test_ids_without_a_token_are_never_drawn(write_script: Callable[..., GPTModel], byte_tokenizer: Tokenizer) -> None:
    model = write_script(dict.fromkeys(range(0, 64, 2), 290), vocabulary_size=304)
    samples = TextGenerator(model, byte_tokenizer).generate("ab", samples=5, seed=0, max_new_tokens=40)
    assert all(token_id < 257 for sample in samples for token_id in sample.token_ids)
    (greedy,) = TextGenerator(model, byte_tokenizer).generate("ab", temperature=0, max_new_tokens=3)
    assert all(token_id < 257 for token_id in greedy.token_ids)


def test_a_bias_of_a_token_that_is_not_there_is_refused(generator: TextGenerator) -> None:
    with pytest.raises(GenerationError, match="names the token 257; ids of the tokenizer .* go from 0 to 256"):
        generator.generate("x", logit_bias={257: 1})
    with pytest.raises(GenerationError, match="names the token 257"):
        generator.generate_all(["x"], logit_bias={257: 1})


def test_an_empty_prompt_means_end_of_text(generator: TextGenerator) -> None:
    expected = generator.generate([256], seed=9, max_new_tokens=10)
    assert generator.generate("", seed=9, max_new_tokens=10) == expected
    assert generator.generate([], seed=9, max_new_tokens=10) == expected
    assert generator.generate(seed=9, max_new_tokens=10) == expected


def test_token_ids_are_a_prompt_too(generator: TextGenerator) -> None:
    ids = generator.tokenizer.encode("hello")
    expected = generator.generate("hello", seed=2, max_new_tokens=5)
    assert generator.generate(ids, seed=2, max_new_tokens=5) == expected
    assert generator.generate(torch.tensor(ids), seed=2, max_new_tokens=5) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([1, 257], r"token 1 of the prompt is 257; ids of the tokenizer bpe-257-\w+ are whole numbers from 0 to 256\."),
        ([-1], "token 0 of the prompt is -1"),
        ([1, 2, 3.0], "token 2 of the prompt is 3.0"),
        ([True], "token 0 of the prompt is True"),
        ([[1]], r"token 0 of the prompt is \[1\]"),
        (b"bytes", "the prompt is a bytes; it must be text or a list of token ids."),
        (None, "the prompt is a NoneType"),
    ],
)
def test_a_prompt_that_is_neither_text_nor_ids_is_refused(
    generator: TextGenerator, prompt: object, message: str
) -> None:
    with pytest.raises(GenerationError, match=message):
        generator.generate(prompt)  # type: ignore[arg-type]


def test_a_prompt_without_utf8_is_refused(generator: TextGenerator) -> None:
    with pytest.raises(TokenizerError, match="lone surrogate|the byte 0x"):
        generator.generate("\ud800")


@pytest.mark.parametrize("length", [48, 49, 500])
def test_a_prompt_that_leaves_no_room_is_refused_with_the_numbers(generator: TextGenerator, length: int) -> None:
    with pytest.raises(GenerationError) as refusal:
        generator.generate("x" * length)
    assert str(refusal.value) == (
        f"the prompt has {length} tokens, but the model's block size is 48 and at least one new token must fit; "
        "shorten the prompt to at most 47 tokens."
    )


def test_more_new_tokens_than_fit_are_refused_with_the_most_that_do(generator: TextGenerator) -> None:
    with pytest.raises(GenerationError) as refusal:
        generator.generate("x" * 40, max_new_tokens=9)
    assert str(refusal.value) == (
        "the prompt's 40 tokens and max_new_tokens 9 do not fit the model's block size of 48; max_new_tokens can be at "
        "most 8 for this prompt."
    )
    (sample,) = generator.generate("x" * 40, max_new_tokens=8, seed=0)
    assert len(sample.token_ids) == 8


def test_without_a_limit_as_many_tokens_come_as_fit(generator: TextGenerator, byte_tokenizer: Tokenizer) -> None:
    assert len(generator.generate("x" * 40, seed=0)[0].token_ids) == 8
    assert len(generator.generate("x" * 47, seed=0)[0].token_ids) == 1
    roomy = GPTModel(
        GPTConfiguration(
            block_size=400, vocabulary_size=257, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=4
        )
    )
    assert TextGenerator(roomy, byte_tokenizer).new_tokens(40, None) == 256


def test_a_model_without_a_tokenizer_is_refused(tiny_model: GPTModel) -> None:
    with pytest.raises(GenerationError) as refusal:
        TextGenerator(tiny_model, None)
    assert str(refusal.value) == (
        "this model has no tokenizer, so it can neither read nor write text; put its vocab.json and merges.txt into "
        "the model directory, or for OpenAI's vocabulary pass Tokenizer.gpt2()."
    )


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tiny_model: GPTModel) -> None:
    with pytest.raises(GenerationError) as refusal:
        TextGenerator(tiny_model, Tokenizer.gpt2())
    assert str(refusal.value) == (
        "the tokenizer gpt2 has 50257 tokens, the model only 257; they do not belong together: use the tokenizer that "
        "the model was trained with."
    )


def test_everything_is_checked_before_the_first_piece_is_asked_for(generator: TextGenerator) -> None:
    for options in ({"temperature": -1}, {"max_new_tokens": 48}, {"unknown": 1}):
        with pytest.raises(GenerationError):
            generator.stream("x", **options)  # type: ignore[arg-type]


def test_weights_with_nan_are_an_error_and_the_next_request_works(
    generator: TextGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as poisoned:
        head = generator.model.language_modeling_head
        poisoned.setattr(head, "forward", lambda inputs: torch.full((len(inputs), 257), torch.nan))
        with pytest.raises(GenerationError, match="the model's logits are not finite"):
            generator.generate("x", seed=0)
    assert generator.generate("x", seed=0)[0].token_ids


def test_a_model_in_training_is_evaluated_without_dropout_and_goes_on_training(byte_tokenizer: Tokenizer) -> None:
    configuration = GPTConfiguration(
        block_size=32,
        vocabulary_size=257,
        number_of_layers=1,
        number_of_heads=1,
        number_of_embedding_dimensions=8,
        embedding_dropout=0.5,
        residual_dropout=0.5,
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(0))
    generator = TextGenerator(model.train(), byte_tokenizer)
    stream = generator.stream("ab", temperature=0, max_new_tokens=20)
    next(stream)
    assert model.training
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()
    list(stream)
    in_training = generator.generate("ab", temperature=0, max_new_tokens=20, seed=0)
    model(torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, 3, dtype=torch.long))[1].backward()
    assert generator.model.training
    model.eval()
    assert generator.generate("ab", temperature=0, max_new_tokens=20, seed=0) == in_training


def test_without_a_seed_a_fresh_one_is_drawn_and_reported(generator: TextGenerator) -> None:
    first, second = (generator.generate("ab", samples=2, max_new_tokens=20) for _ in range(2))
    assert first[0].seed == first[1].seed != second[0].seed
    assert generator.generate("ab", samples=2, max_new_tokens=20, seed=first[0].seed) == first


def test_a_model_in_bfloat16_writes_too(tiny_model: GPTModel, byte_tokenizer: Tokenizer) -> None:
    model = GPTModel(tiny_model.configuration)
    model.load_state_dict(tiny_model.state_dict())
    samples = TextGenerator(model.to(torch.bfloat16), byte_tokenizer).generate(
        "ab", samples=2, seed=1, max_new_tokens=9
    )
    assert [len(sample.token_ids) for sample in samples] == [9, 9]


@pytest.mark.parametrize(("dtype", "fewest"), [(torch.bfloat16, 2), (torch.float32, 1)])
def test_a_lone_row_in_bfloat16_is_computed_as_beside_another(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, fewest: int
) -> None:
    model = copy.deepcopy(tiny_model).to(dtype)
    rows: list[int] = []
    forward = model.transformer.forward
    monkeypatch.setattr(
        model.transformer, "forward", lambda indices, cache: rows.append(len(indices)) or forward(indices, cache)
    )
    generator = TextGenerator(model, byte_tokenizer)
    two = generator.generate("Hello", samples=2, max_new_tokens=40, seed=6, stop="e")
    sooner, later = sorted(len(sample.token_ids) for sample in two)
    assert sooner < later, "one should be left alone in the end"
    assert min(rows[1:]) == fewest  # the first is the prompt's
    assert generator.generate("Hello", samples=1, max_new_tokens=40, seed=6, stop="e") == two[:1]
