import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from gpt25.errors import GenerationError
from gpt25.generation import History, SamplingSettings, sample_next
from gpt25.generation.penalties import apply_penalties
from gpt25.generation.token_weights import token_weights

EMPTY = History([], [])


def test_the_id_is_the_inverse_of_the_cumulative_distribution() -> None:
    logits = torch.tensor([[0.25, 0.25, 0.5]]).log()  # (1, vocabulary)
    drawn = []
    for uniform in (0.0, 0.24, 0.26, 0.3, 0.49, 0.51, 0.99, 1.0):
        drawn += sample_next(logits, settings=[SamplingSettings()], histories=[EMPTY], uniforms=[uniform]).tolist()
    assert drawn == [0, 0, 1, 1, 1, 2, 2, 2]


def test_a_token_without_weight_is_never_drawn() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]]).expand(3, -1)  # (rows, vocabulary)
    drawn = sample_next(logits, settings=[SamplingSettings()] * 3, histories=[EMPTY] * 3, uniforms=[0.0, 0.5, 1.0])
    assert drawn.tolist() == [1, 3, 3]


def test_draws_follow_the_probabilities() -> None:
    count, generator = 20_000, torch.Generator().manual_seed(0)
    logits = torch.tensor([[2.0, 0.0, 1.0, -1.0]]).expand(count, -1)  # (rows, vocabulary)
    uniforms = torch.rand(count, dtype=torch.float64, generator=generator).tolist()
    settings = [SamplingSettings(temperature=0.7)] * count
    drawn = sample_next(logits, settings=settings, histories=[EMPTY] * count, uniforms=uniforms)
    expected = (logits[0] / 0.7).softmax(-1) * count
    observed = drawn.bincount(minlength=4)
    # Pearson's statistic with 3 degrees of freedom is above 16.3 once in a thousand.
    assert ((observed - expected) ** 2 / expected).sum() < 16.3


def test_temperature_zero_takes_the_likeliest_after_the_penalties() -> None:
    logits = torch.tensor([[1.0, 3.0, 2.9]])  # (1, vocabulary)
    greedy = SamplingSettings(temperature=0, top_p=0.1)
    punished = SamplingSettings(temperature=0, presence_penalty=1)
    assert sample_next(logits, settings=[greedy], histories=[EMPTY], uniforms=[0.9]).tolist() == [1]
    assert sample_next(logits, settings=[punished], histories=[History([], [1])], uniforms=[0.9]).tolist() == [2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_biased_draw_is_the_draw_from_biased_logits(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(6)
    rows = 300
    logits = (torch.randn(rows, 50, generator=generator) * 3).to(dtype)  # (rows, vocabulary)
    uniforms = torch.rand(rows, dtype=torch.float64, generator=generator).tolist()
    biases = [{row % 50: -100.0, (row + 1) % 50: row % 7 - 3.3} if row % 3 else {} for row in range(rows)]
    changed = logits.to(torch.float32, copy=True)
    for row, bias in enumerate(biases):
        for token_id, value in bias.items():
            changed[row, token_id] += value
    for rest in ({}, {"temperature": 0}, {"temperature": 0.7, "top_k": 5}, {"top_p": 0.8, "min_p": 0.02}):
        settings = [SamplingSettings(logit_bias=bias, **rest) for bias in biases]
        found = sample_next(logits, settings=settings, histories=[EMPTY] * rows, uniforms=uniforms)
        plain = [SamplingSettings(**rest)] * rows
        assert torch.equal(found, sample_next(changed, settings=plain, histories=[EMPTY] * rows, uniforms=uniforms))
        assert all(found[row] != row % 50 for row in range(rows) if row % 3), "a bias of -100 bans"


def test_rows_with_different_settings_draw_what_they_draw_alone() -> None:
    generator = torch.Generator().manual_seed(4)
    settings = [
        SamplingSettings(temperature=0),
        SamplingSettings(temperature=0, repetition_penalty=3),
        SamplingSettings(),
        SamplingSettings(top_k=3, frequency_penalty=1),
        SamplingSettings(top_p=0.3, presence_penalty=-1),
        SamplingSettings(temperature=2, top_k=10, top_p=0.9, min_p=0.01, repetition_penalty=1.5),
    ] * 20
    rows = len(settings)
    logits = torch.randn(rows, 500, generator=generator) * 4  # (rows, vocabulary)
    histories = [History([row, 499], [row + 1, row + 1, row + 2]) for row in range(rows)]
    uniforms = torch.rand(rows, dtype=torch.float64, generator=generator).tolist()
    before = logits.clone()
    together = sample_next(logits, settings=settings, histories=histories, uniforms=uniforms).tolist()
    alone = [
        sample_next(
            logits[row : row + 1], settings=[settings[row]], histories=[histories[row]], uniforms=[uniforms[row]]
        ).item()
        for row in range(rows)
    ]
    assert together == alone
    assert torch.equal(logits, before), "the logits must be left as they are"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_number_formats_are_read_as_float32(dtype: torch.dtype) -> None:
    logits = (torch.randn(8, 100, generator=torch.Generator().manual_seed(5)) * 3).to(dtype)  # (rows, vocabulary)
    options = {"settings": [SamplingSettings()] * 8, "histories": [EMPTY] * 8, "uniforms": [0.37] * 8}
    assert torch.equal(sample_next(logits, **options), sample_next(logits.float(), **options))


@pytest.mark.parametrize("poison", [torch.nan, torch.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_are_not_finite_are_refused_with_their_row(poison: float, temperature: float) -> None:
    logits = torch.zeros(3, 5)  # (rows, vocabulary)
    logits[1, 2] = poison
    settings = [SamplingSettings(temperature=temperature)] * 3
    with pytest.raises(GenerationError) as refusal:
        sample_next(logits, settings=settings, histories=[EMPTY] * 3, uniforms=[0.5] * 3)
    assert str(refusal.value) == (
        "the model's logits are not finite in row(s) 1 of 3; its weights hold NaN or infinity, or overflow in this "
        "precision: use float32, or an earlier checkpoint."
    )


def test_a_row_without_any_possible_token_is_refused() -> None:
    with pytest.raises(GenerationError, match=r"not finite in row\(s\) 0 of 1"):
        sample_next(torch.full((1, 4), -torch.inf), settings=[SamplingSettings()], histories=[EMPTY], uniforms=[0.5])


def test_all_operations_together_are_those_of_transformers_generate() -> None:
    torch.manual_seed(6)
    shape = {"vocab_size": 80, "n_positions": 32, "n_embd": 16, "n_layer": 1, "n_head": 2, "initializer_range": 1.0}
    model = GPT2LMHeadModel(GPT2Config(**shape, bos_token_id=79, eos_token_id=79)).eval()
    prompt = [5, 9, 5, 33]
    chosen = {"temperature": 0.8, "top_k": 30, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.7}
    output = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, 4, dtype=torch.long),
        do_sample=True,
        max_new_tokens=12,
        pad_token_id=79,
        output_scores=True,
        output_logits=True,
        return_dict_in_generate=True,
        **chosen,
    )
    setting = SamplingSettings(**chosen)  # type: ignore[arg-type]
    generated = output.sequences[0, len(prompt) :].tolist()
    assert len(output.scores) > 3
    for step, (logits, scores) in enumerate(zip(output.logits, output.scores, strict=True)):
        ours = logits.clone()
        apply_penalties(ours, [setting], [History(prompt, generated[:step])])
        weights = token_weights(ours, [setting])
        torch.testing.assert_close(weights / weights.sum(), scores.softmax(-1), rtol=1e-4, atol=1e-7)
