"""Commands for models and their weights: ``models`` and ``pull``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from embviz.cli.console import PATH, json_option, print_json, print_table, say


@click.command()
@json_option
def models(as_json: bool) -> None:
    """List the models, and whether their weights are here."""
    from embviz.models import list_models

    frame = list_models().reset_index()
    if as_json:
        print(frame.to_json(orient="records", indent=2, force_ascii=False))
        return
    if sys.stdout.isatty():
        frame = frame[["name", "task", "dimensions", "weights"]]
    print_table([str(column) for column in frame.columns], frame.itertuples(index=False))


@click.command()
@click.argument("names", metavar="[MODEL]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every model of the catalogue.")
@click.option("--default", is_flag=True, help="The models of the poster; the same as no model at all.")
@click.option("--from", "folder", type=PATH, help="Take the .pb files of this folder.")
@click.option("--replace", is_flag=True, help="Get weights that are here already anew, such as another file of --from.")
@json_option
def pull(
    names: tuple[str, ...], *, everything: bool, default: bool, folder: Path | None, replace: bool, as_json: bool
) -> int:
    """Get the weights of models.

    They are verified, and kept in the data folder; what is there already stays, unless --replace. Without a model: the
    six of the poster, or, with --from, all that the folder has. OpenL3 and VGGish are published on Essentia's site
    only: where that cannot be reached, the default is content without them.
    """
    from embviz.models import ALIASES, CATALOGUE, get_model, weights

    if (bool(names) + everything + default) > 1:
        raise click.UsageError("Name models, or say --all, or --default: one of these.")
    wanted = None if folder and not default else ALIASES.values()
    chosen = names or (CATALOGUE if everything else wanted)
    pulled = weights.pull_all(chosen, folder=folder, replace=replace, progress=True)
    for error in pulled.failed.values():
        say(error)
    if as_json:
        print_json(
            [
                {"model": name, "file": str(found.path), "sha256": found.sha256, "source": found.source}
                for name, found in pulled.ready.items()
            ]
        )
    else:
        for name, found in pulled.ready.items():
            print(f"{name}: {found.path} ({found.source})")
    if names or everything or folder:
        return int(bool(pulled.failed))
    on_site_only = {name for name in pulled.failed if {source.kind for source in get_model(name).sources} == {"zoo"}}
    return int(bool(pulled.failed.keys() - on_site_only))
