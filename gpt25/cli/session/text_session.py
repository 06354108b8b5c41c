"""The session itself: reads an entry, lets the model write, and keeps what was written for the next one."""

import textwrap
from collections.abc import Callable
from dataclasses import replace

from gpt25.cli.output import Output
from gpt25.cli.session.first_interrupt import FirstInterrupt
from gpt25.cli.session.session_commands import entry_of, help_lines
from gpt25.cli.session.session_settings import SETTING_NAMES, setting_line, with_setting
from gpt25.cli.session.shown_texts import ShownTexts
from gpt25.cli.session.story import Step, Story, WrittenText
from gpt25.cli.session.typed_texts import TypedTexts
from gpt25.errors import GenerationError, GPT25Error
from gpt25.generation import Piece, SamplingSettings, TextGenerator
from gpt25.generation.context_window import context_window
from gpt25.runtime import Stopwatch
from gpt25.tokenizer import SpecialTokens
from gpt25.tokenizer.special_names import special_names_notice

_COLUMNS = 80
_SEEDS = 1 << 63
_SHOWN_END = 50


class TextSession:
    """Texts of one model, which stays in memory, until somebody has had enough.

    GPT-2 continues text and answers nobody: an entry begins a text, which is written on as far as somebody wants it.
    """

    def __init__(
        self,
        generator: TextGenerator,
        *,
        settings: SamplingSettings,
        special_tokens: SpecialTokens,
        stream: bool,
        output: Output,
    ) -> None:
        """settings: with which the session begins. stream: show texts as they grow, not each when it is done."""
        self._generator = generator
        self._settings = self._first_settings = settings
        self._special_tokens = special_tokens
        self._stream = stream
        self._output = output
        self._story = Story()

    def run(self, entries: TypedTexts) -> None:
        """Do what the entries say until they end, or /quit; what cannot be done is said, and the next one is read."""
        while True:
            try:
                typed = entries.next()
                if typed.strip() and not self._do(typed):
                    return
            except EOFError:
                return
            except KeyboardInterrupt:
                self._output.say("(Ctrl-D or /quit ends the session.)")
            except GPT25Error as problem:
                # the line begins with "error: "
                self._output.error(textwrap.fill(str(problem), _COLUMNS, initial_indent=" " * 7).lstrip())

    def _do(self, typed: str) -> bool:
        """Do what one entry says; returns whether the session goes on."""
        entry = entry_of(typed)
        words = entry.words.strip()
        if entry.command is None:
            self._write_from(None, entry.words)
        elif entry.command in SETTING_NAMES:
            if words:
                self._settings = with_setting(self._settings, entry.command, words)
            self._output.say(setting_line(self._settings, entry.command))
        elif entry.command == "continue":
            self._write_from(self._require_text(), entry.words)
        elif entry.command == "pick":
            self._pick(words)
        elif words:
            raise GenerationError(f"/{entry.command} takes no words, and {words!r} stands behind it.")
        else:
            self._simple[entry.command]()
        return entry.command != "quit"

    @property
    def _simple(self) -> dict[str, Callable[[], None]]:
        """The commands that take no words."""
        return {
            "retry": self._retry,
            "undo": self._undo,
            "new": lambda: self._write_from(None, ""),
            "show": self._show,
            "settings": self._show_settings,
            "reset": self._reset,
            "help": lambda: self._output.say("\n".join(help_lines())),
            "quit": lambda: None,
        }

    # Writing.

    def _write_from(self, before: Step | None, typed: str) -> None:
        """Write behind a step, or from the beginning, with what was typed in between."""
        tokenizer, block_size = self._generator.tokenizer, self._generator.model.configuration.block_size
        if self._special_tokens == "text" and (count := tokenizer.special_names_in(typed)):
            self._remark(special_names_notice(count, what="what you typed"))
        added = tokenizer.encode(typed, special_tokens=self._special_tokens)
        if before is None:
            added = added or [tokenizer.end_of_text_id]
            ids, tokens = tuple(added[-block_size:]), len(added)
        else:
            ids, tokens = before.ids_behind(added, block_size=block_size), before.tokens + len(added)
        seed = self._settings.with_seed().seed
        assert seed is not None
        self._story.add(self._write(Step(before, typed, ids, tokens, seed)))

    def _write(self, step: Step) -> Step:
        """Let the model write a step's samples and show them; returns the step with them, whole or stopped."""
        block_size = self._generator.model.configuration.block_size
        requested = self._settings.max_new_tokens
        window = context_window(step.prompt_tokens, block_size=block_size, requested=requested)
        read = step.prompt_tokens - window.skipped
        if window.skipped:
            self._remark(
                f"the text has {step.prompt_tokens:,} tokens, and the model reads at most {block_size:,} with what it "
                f"writes: it goes on from the last {read:,} and knows nothing of the first {window.skipped:,}"
            )
        if requested is not None and window.new_tokens < requested:
            self._remark(f"only {window.new_tokens:,} new tokens of {requested:,} fit the block of {block_size:,}")
        settings = self._settings.changed({"seed": step.seed, "max_new_tokens": window.new_tokens})
        stopwatch = Stopwatch()
        pieces, stopped = self._shown(list(step.prompt_ids[-read:]), settings)
        samples = tuple(self._written(of_one, settings) for of_one in pieces)
        self._account(pieces, stopped=stopped, seed=step.seed, seconds=stopwatch.elapsed_seconds)
        return replace(step, samples=samples)

    def _shown(self, prompt_ids: list[int], settings: SamplingSettings) -> tuple[list[list[Piece]], bool]:
        """The pieces of every sample, shown as they came, and whether Ctrl-C stopped them."""
        pieces: list[list[Piece]] = [[] for _ in range(settings.samples)]
        with FirstInterrupt() as interrupt:
            stream = self._generator.stream(prompt_ids, settings=settings)
            screen = ShownTexts("", number_of_samples=settings.samples, output=self._output)
            try:
                for piece in stream:
                    pieces[piece.index].append(piece)
                    if self._stream:
                        screen.show(piece)
                    if interrupt.came:
                        break
            except KeyboardInterrupt:  # the second one, in the middle of a step
                interrupt.came = True
            finally:
                for piece in (piece for of_one in pieces for piece in of_one if not self._stream):
                    screen.show(piece)
                screen.show_rest()
        return pieces, interrupt.came

    def _written(self, pieces: list[Piece], settings: SamplingSettings) -> WrittenText:
        text = "".join(piece.text for piece in pieces)
        ids = tuple(token_id for piece in pieces for token_id in piece.token_ids)
        if settings.stop and pieces and pieces[-1].finish_reason == "stop":  # the ids may spell the stop string as well
            ids = tuple(self._generator.tokenizer.encode(text))
        return WrittenText(text, ids)

    def _account(self, pieces: list[list[Piece]], *, stopped: bool, seed: int, seconds: float) -> None:
        """Say below a text how long it is, why it ended, and how fast it was."""
        tokens = sum(len(piece.token_ids) for of_one in pieces for piece in of_one)
        ends = [of_one[-1].finish_reason if of_one else None for of_one in pieces]
        if stopped:
            how = "stopped"
        elif len(pieces) > 1:
            how = f"/continue goes on with sample 1, /pick chooses another of {len(pieces)}"
        else:
            how = "the text ends here by itself" if ends == ["stop"] else "/continue writes on"
        self._remark(f"{tokens:,} tokens, {tokens / seconds:.1f} tokens/s, seed {seed}; {how}")

    # Commands.

    def _require_text(self) -> Step:
        if self._story.newest is None:
            raise GenerationError("there is no text yet; type the beginning of one, or /new.")
        return self._story.newest

    def _retry(self) -> None:
        step = self._require_text()
        other = self._write(replace(step, seed=(step.seed + 1) % _SEEDS, chosen=0))
        self._story.undo()
        self._story.add(other)

    def _undo(self) -> None:
        self._require_text()
        self._story.undo()
        newest = self._story.newest
        self._remark("there is no text any more" if newest is None else f"the text ends again: {_end_of(newest.text)}")

    def _pick(self, words: str) -> None:
        samples = len(self._require_text().samples)
        if not (words.isascii() and words.isdigit() and 1 <= int(words) <= samples):
            raise GenerationError(f"/pick takes the number of one of the last samples, from 1 to {samples}.")
        self._story.choose(int(words) - 1)
        self._remark(f"/continue goes on with: {_end_of(self._require_text().text)}")

    def _show(self) -> None:
        step = self._require_text()
        block_size = self._generator.model.configuration.block_size
        self._output.verbatim(step.text)
        self._remark(f"{step.tokens:,} tokens; the model reads at most {block_size:,} at once, with what it writes")

    def _show_settings(self) -> None:
        self._output.say("\n".join(setting_line(self._settings, name) for name in SETTING_NAMES))

    def _reset(self) -> None:
        self._settings = self._first_settings
        self._show_settings()

    def _remark(self, text: str) -> None:
        self._output.say(textwrap.fill(f"[{text}]", _COLUMNS))


def _end_of(text: str) -> str:
    """_end_of("…") -> the last characters of a text in one line, as Python writes them."""
    return ("…" if len(text) > _SHOWN_END else "") + repr(text[-_SHOWN_END:])
