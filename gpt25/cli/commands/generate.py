"""Write text with a model: continue a prompt, once or several times.

Without --prompt, on a terminal, a session opens: it continues what you type, keeps the model in memory, and has
commands for its settings, for another try and for taking back (/help lists them).

The prompt and the new tokens together must fit the model's block size. The same --seed gives the same texts again.
"""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from gpt25.cli.output import Output
from gpt25.cli.session.prompt_file import read_prompts, write_texts
from gpt25.cli.session.session_settings import logit_bias_of
from gpt25.cli.streams.standard_input import standard_input
from gpt25.cli.streams.terminal import at_terminal
from gpt25.errors import GenerationError
from gpt25.generation import SamplingSettings
from gpt25.runtime import Stopwatch, may_have_gpu
from gpt25.storage import decode_text
from gpt25.tokenizer import SpecialTokens
from gpt25.tokenizer.special_names import special_names_notice
from gpt25.weights import require_model

if TYPE_CHECKING:
    from gpt25.cli.session.shown_texts import ShownTexts
    from gpt25.generation import Piece, TextGenerator


@dataclass(frozen=True)
class Arguments:
    """The arguments of `gpt25 generate`."""

    model: tyro.conf.Positional[str]
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run."""
    prompt: str | None = None
    """The text to continue; - reads standard input (without its last line break); empty starts a new document. Without
    it a session opens on a terminal, and elsewhere a new document is started."""
    prompts: str | None = None
    """A file of prompts, a line each (.jsonl: strings, or objects with "prompt"), continued side by side; prompt i has
    the seed plus i. Each gives one JSON line."""
    output: str | None = None
    """Where the lines of --prompts go; a run that died goes on with the file. Without it they are printed."""
    special_tokens: SpecialTokens = "text"
    """What the name of a special token in the prompt, such as <|endoftext|>, is: text, or parse: that token."""
    samples: int = 1
    """How many texts, independent of one another."""
    max_new_tokens: int | None = None
    """Most new tokens of each text; without it what the block size leaves, at most 256."""
    temperature: float = 1.0
    """Below 1 bolder for the likely, above 1 more even; 0 always takes the likeliest token."""
    top_k: int | None = None
    """Draw from the k likeliest tokens only."""
    top_p: float | None = None
    """Draw from the fewest likeliest tokens that together hold this probability."""
    min_p: float | None = None
    """Draw from tokens at least this times as likely as the likeliest."""
    repetition_penalty: float = 1.0
    """Above 1: tokens in the prompt or the new text become less likely."""
    frequency_penalty: float = 0.0
    """From -2 to 2: above 0, tokens become less likely each time they stand in the new text."""
    presence_penalty: float = 0.0
    """From -2 to 2: above 0, tokens become less likely once they stand in the new text."""
    logit_bias: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Make a token less or more likely: its id, a colon and a number from -100 to 100; may be given several times."""
    stop: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """End the text before this string; may be given several times."""
    seed: int | None = None
    """Makes the texts repeatable; without it a fresh one is drawn and reported."""
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    """The dtype of the weights; auto: float32 on a processor with the extra fast, else bfloat16 where the device is
    fast at it. int8: processor only."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    checkpoint: str = "newest"
    """Which checkpoint of a run: newest, best or the number of an update."""
    revision: str | None = None
    """Which branch, tag or commit of a Hub repository."""
    stream: bool = True
    """Do not show the texts as they grow, but each when all are done."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Check the settings, load the model, write the texts and say how fast that was."""
    settings = _settings(arguments)
    prompts = _prompts(arguments)
    is_session = arguments.prompt is None and prompts is None and not arguments.json and at_terminal()
    require_model(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    prompt = _standard_input() if arguments.prompt == "-" else arguments.prompt or ""
    from gpt25.cli.session.generating_model import load_generating_model, say_what_is_awaited
    from gpt25.cli.session.import_numba import import_numba
    from gpt25.generation import TextGenerator, choose_generating_precision

    if arguments.precision != "bfloat16" and (arguments.device == "cpu" or not may_have_gpu()):
        import_numba()  # before anything else looks whether it works
    chosen = choose_generating_precision(arguments.device, arguments.precision)
    model, tokenizer = load_generating_model(
        arguments.model, chosen, checkpoint=arguments.checkpoint, revision=arguments.revision
    )
    say_what_is_awaited(model, chosen, output)
    generator, how = TextGenerator(model, tokenizer), f"{chosen.name} on {chosen.device} ({chosen.reason})"
    if prompts is not None:
        origin = {"model": arguments.model, "checkpoint": arguments.checkpoint, "revision": arguments.revision}
        _write_all(arguments, settings, generator, prompts, how, {**origin, "precision": chosen.name}, output)
    elif is_session:
        _hold_session(arguments, settings, generator, how, output)
    else:
        content = {"model": arguments.model, "precision": chosen.name, "device": str(chosen.device)}
        _write_once(arguments, settings.with_seed(), generator, prompt, how, content, output)


def _prompts(arguments: Arguments) -> list[str] | None:
    """The prompts of --prompts, where it is given, and not together with what it excludes."""
    if arguments.prompts is None:
        if arguments.output is not None:
            raise GenerationError("--output is for the lines of --prompts FILE; one prompt's text is printed.")
        return None
    if arguments.prompt is not None:
        raise GenerationError("--prompt and --prompts are both given; choose one text, or a file of them.")
    return read_prompts(arguments.prompts)


def _write_all(
    arguments: Arguments,
    settings: SamplingSettings,
    generator: "TextGenerator",
    prompts: list[str],
    how: str,
    origin: dict[str, Any],
    output: Output,
) -> None:
    """Continue a file of prompts side by side; `origin` is what each line says of where its texts are from."""
    stopwatch = Stopwatch()
    said = write_texts(
        generator,
        prompts,
        settings=settings,
        special_tokens=arguments.special_tokens,
        path=arguments.output,
        output=output,
        origin=origin,
    )
    rate = said["new_tokens"] / stopwatch.elapsed_seconds
    if arguments.output is not None:
        output.result({**said, "tokens_per_second": rate, "output": arguments.output})
    there = f", {said['already_there']} of them before" if said["already_there"] else ""
    output.note(textwrap.fill(f"{said['prompts']} prompts{there}; {how}, {rate:.1f} tokens/s, seed {said['seed']}", 80))


def _write_once(
    arguments: Arguments,
    settings: SamplingSettings,
    generator: "TextGenerator",
    prompt: str,
    how: str,
    content: dict[str, Any],
    output: Output,
) -> None:
    """Continue one prompt; `content` is what the JSON object says besides."""
    from gpt25.cli.session.shown_texts import ShownTexts, text_heading
    from gpt25.generation import collect_samples

    if arguments.special_tokens == "text" and (count := generator.tokenizer.special_names_in(prompt)):
        output.note(special_names_notice(count, what="the prompt"))
    stopwatch = Stopwatch()
    pieces: Iterable[Piece] = generator.stream(prompt, settings=settings, special_tokens=arguments.special_tokens)
    if arguments.stream and not arguments.json:
        pieces = _shown(pieces, ShownTexts(prompt, number_of_samples=settings.samples, output=output))
    samples = collect_samples(pieces, settings)
    tokens_per_second = sum(len(sample.token_ids) for sample in samples) / stopwatch.elapsed_seconds
    texts = [text_heading(index, len(samples)) + prompt + sample.text for index, sample in enumerate(samples)]
    output.result(
        {
            "prompt": prompt,
            "samples": [
                {"text": sample.text, "token_ids": sample.token_ids, "finish_reason": sample.finish_reason}
                for sample in samples
            ],
            "tokens_per_second": tokens_per_second,
            "seed": settings.seed,
            **content,
        }
    )
    if not arguments.stream and not arguments.json:
        output.verbatim("\n".join(texts))
    if not arguments.json:
        output.note(textwrap.fill(f"{how}, {tokens_per_second:.1f} tokens/s, seed {settings.seed}", 80))


def _shown(pieces: "Iterable[Piece]", screen: "ShownTexts") -> "Iterable[Piece]":
    """Pass the pieces on and show them."""
    for piece in pieces:
        yield piece
        screen.show(piece)


def _hold_session(
    arguments: Arguments, settings: SamplingSettings, generator: "TextGenerator", how: str, output: Output
) -> None:
    """Say what this is, and continue what somebody types until they have had enough."""
    from gpt25.cli.session.session_commands import COMMANDS
    from gpt25.cli.session.session_settings import SETTING_NAMES
    from gpt25.cli.session.text_session import TextSession
    from gpt25.cli.session.typed_texts import TerminalTexts

    block_size = generator.model.configuration.block_size
    opening = (
        f"{arguments.model}, {how}. It continues the text that you type, up to {block_size:,} tokens at once; it "
        "is no assistant and answers nobody. /help lists the commands, Ctrl-D ends."
    )
    output.say(textwrap.fill(opening, 80))
    session = TextSession(
        generator,
        settings=settings,
        special_tokens=arguments.special_tokens,
        stream=arguments.stream,
        output=output,
    )
    session.run(TerminalTexts([f"/{name}" for name in (*COMMANDS, *SETTING_NAMES)], note=output.note))


def _settings(arguments: Arguments) -> SamplingSettings:
    return SamplingSettings(
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        top_p=arguments.top_p,
        min_p=arguments.min_p,
        repetition_penalty=arguments.repetition_penalty,
        frequency_penalty=arguments.frequency_penalty,
        presence_penalty=arguments.presence_penalty,
        logit_bias=logit_bias_of(arguments.logit_bias),  # type: ignore[arg-type]  # it is made pairs and checked
        stop=arguments.stop,
        max_new_tokens=arguments.max_new_tokens,
        samples=arguments.samples,
        seed=arguments.seed,
    )


def _standard_input() -> str:
    """The prompt on standard input, without the line break that `echo` and editors put at the end."""
    text = decode_text(standard_input(), where="the prompt on standard input", error=GenerationError)
    return text.removesuffix("\n").removesuffix("\r")
