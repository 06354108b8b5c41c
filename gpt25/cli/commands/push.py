"""Give a model to others: a run's checkpoint or a model directory to the Hugging Face Hub, private unless --public.

Sent are the model's files, a model card written from what the run recorded, and the picture of its losses; never the
optimizer's state. --dry-run shows files and card, and asks nobody.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gpt25.cli.output import Output
from gpt25.errors import WeightsError
from gpt25.plots.formatting import size
from gpt25.recipes.sharing.model_folder import ModelFolder, model_folder
from gpt25.records import in_this_shell, no_such_directory, offered_command, split_model_argument
from gpt25.storage import exists
from gpt25.weights.hub_upload import require_repository_name, upload_model


@dataclass(frozen=True)
class Arguments:
    """The arguments of `gpt25 push`."""

    model: tyro.conf.Positional[str]
    """A run (also RUN@best or RUN@500) or a Hugging Face directory. A README.md in the directory goes as it is."""
    repository: tyro.conf.Positional[str]
    """Where to: owner/name on the Hub; it is made unless it is there."""
    public: bool = False
    """Let everybody see it."""
    dry_run: bool = False
    """Show which files would be sent, and the card; nothing is sent, and no network is needed."""
    overwrite: bool = False
    """Put a new commit on top of a repository that holds files already."""
    licence: Annotated[str | None, tyro.conf.arg(aliases=("--license",))] = None
    """What the weights are given away under, as the Hub spells it: mit, apache-2.0, cc-by-4.0, …; none says nothing."""
    prompt: str | None = None
    """What the examples of the card go on with; unless given, the samples' prompt of a model trained on a
    published set, and a neutral word of one on texts of your own."""
    message: str = "Add the model"
    """What the commit says."""
    checkpoint: str = "newest"
    """Which checkpoint of a run: newest, best or the number of an update."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Put the folder together, show or send it, and say where it is."""
    require_repository_name(arguments.repository)
    name, _ = split_model_argument(arguments.model)
    if not exists(name):
        missing = no_such_directory(name)
        raise WeightsError(f"{missing} `gpt25 push` sends a run or a model directory of this machine.")
    folder = model_folder(
        arguments.model,
        name=arguments.repository,
        checkpoint=arguments.checkpoint,
        licence=arguments.licence,
        prompt=arguments.prompt,
    )
    content = {
        "repository": arguments.repository,
        "private": not arguments.public,
        "dry_run": arguments.dry_run,
        "files": [{"name": name, "bytes": number} for name, number in folder.sizes.items()],
        "left_out": folder.left_out,
        "model": arguments.model,
    }
    output.table("", ("file", "bytes"), [(name, f"{number:,}") for name, number in folder.sizes.items()])
    if folder.left_out:
        output.note(f"not sent: {', '.join(folder.left_out)}")
    if arguments.repository not in folder.card:
        output.note(
            f"the card that goes along does not name {arguments.repository}: it was written for another place. "
            f"Edit its README.md, or export again with --name {arguments.repository}."
        )
    if arguments.dry_run:
        output.result({**content, "card": folder.card}, f"\nREADME.md:\n\n{folder.card}\n{_would(arguments, folder)}")
        return
    uploaded = upload_model(
        folder.files,
        arguments.repository,
        public=arguments.public,
        overwrite=arguments.overwrite,
        message=arguments.message,
        draw_progress=sys.stderr.isatty(),
    )
    content |= {"url": uploaded.url, "commit": uploaded.commit, "private": uploaded.private}
    who = "you and those you let" if uploaded.private else "everybody"
    trial = in_this_shell(offered_command("gpt25", "generate", arguments.repository))
    output.result(
        content,
        f"{uploaded.url}\n{_amount(folder)}, commit {uploaded.commit[:12]}, to be seen by {who}.\nTry it: {trial}",
        kept=Path(folder.directory),
    )


def _would(arguments: Arguments, folder: ModelFolder) -> str:
    who = "public" if arguments.public else "private"
    return f"A dry run: {_amount(folder)} would go to {arguments.repository}, {who} if it is new."


def _amount(folder: ModelFolder) -> str:
    return f"{len(folder.files)} files of {size(sum(folder.sizes.values()))}"
