"""The command ``embed``: embeddings of sounds, or of all sounds in a folder, as files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embviz.cli import outputs
from embviz.cli.console import PATH, engine_option, follow_links_option, json_option, print_json, say
from embviz.core.progress import interruption_note, reporter
from embviz.core.text import plural
from embviz.errors import AudioError, GraphError

if TYPE_CHECKING:
    from pandas import DataFrame

    from embviz.collection import Collection
    from embviz.core.embedding import Embedding
    from embviz.core.vectors import Vectors


POOLINGS = ("mean", "mean+std", "max", "median", "frames")  # those of embviz.batch, which takes its time to load
FORMATS = click.Choice([suffix.removeprefix(".") for suffix in outputs.SUFFIXES])
MOST_SAID = 20  # tracks of a folder of which it is said what is wrong


def _hop(_: click.Context, __: click.Parameter, value: str | None) -> float | str | None:
    try:
        return value if value in {None, "dense"} else float(str(value))
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number of seconds nor 'dense'.") from None


@click.command()
@click.argument("audio", nargs=-1, required=True, type=PATH)
@click.option("-m", "--model", "names", multiple=True, required=True, help="Model or system; may be repeated.")
@click.option(
    "-l",
    "--layer",
    "layers",
    multiple=True,
    default=("embedding",),
    show_default=True,
    help="Layer or node; may be repeated.",
)
@click.option("-o", "--output", help="File (.npz, .parquet or .csv), folder, or '-'; see above.")
@click.option(
    "--format", "suffix", type=FORMATS, default="npz", show_default=True, help="Format of the files in a folder."
)
@click.option(
    "--patch-hop", callback=_hop, metavar="SECONDS|dense", help="Step from patch to patch; the model's own by default."
)
@click.option(
    "--resample-quality",
    type=click.IntRange(0, 4),
    metavar="0-4",
    help="Of Essentia's resampler, 0 is best; the model's own by default.",
)
@engine_option
@follow_links_option
@click.option("--pooling", type=click.Choice(POOLINGS), help="Of a folder: what becomes of a track's frames; the mean.")
@click.option("--workers", type=click.IntRange(1), help="Of a folder: number of processes; one per core by default.")
@click.option("--spreadsheet-safe", is_flag=True, help="Of .csv: put an apostrophe before texts that are formulas.")
@json_option
def embed(  # noqa: PLR0913  a command's options are many
    audio: tuple[Path, ...],
    *,
    names: tuple[str, ...],
    layers: tuple[str, ...],
    output: str | None,
    suffix: str,
    patch_hop: float | str | None,
    resample_quality: int | None,
    engine: str,
    follow_links: bool,
    pooling: str | None,
    workers: int | None,
    spreadsheet_safe: bool,
    as_json: bool,
) -> int:
    """Write the embeddings of sounds to files.

    One sound, model and layer make one result, and OUTPUT is its file. Several need a folder, where they are named
    TRACK.MODEL.LAYER.npz, or a name with a placeholder for whatever there is more than one of, such as
    "results/{track}/{model}.{layer}.csv". OUTPUT - prints one result as CSV.

    A .npz file holds the arrays values [t, d], times [t] in seconds, labels [d], and meta (JSON), and no pickle; the
    tables have the time in seconds as their index.

    A folder instead of sounds, or several, makes one result of all sounds in it, a vector for each, and fills the
    cache; without -o it does only that. It can be interrupted at any time: the same command goes on where it stopped.
    """
    from embviz.collection import Collection
    from embviz.models import get_model

    if as_json and output == "-":
        raise click.UsageError("--json and '-o -' would both print to stdout; choose one.")
    chosen = list(dict.fromkeys(get_model(name).name for name in names))
    wanted, sounds = list(dict.fromkeys(layers)), list(dict.fromkeys(audio))
    options: dict[str, Any] = {"patch_hop": patch_hop, "resample_quality": resample_quality, "engine": engine}
    if any(sound.is_dir() for sound in sounds):
        targets = _folder_targets(output, sounds, chosen, wanted, suffix)
        options |= {"pooling": pooling or "mean", "workers": workers}
        write = partial(outputs.write_vectors, spreadsheet_safe=spreadsheet_safe)
        with reporter(True) as told:
            collection = Collection.from_folder(sounds, follow_links=follow_links, progress=told)
        return _embed_folder(_holder(sounds), collection, chosen, wanted, targets, options, write, as_json=as_json)
    if output is None:
        absent = [str(sound) for sound in sounds if not sound.exists()]
        if absent:
            raise AudioError(f"There is no file or folder {absent[0]!r}; check the path.")
        raise click.UsageError("Missing option '-o' / '--output': sounds need a place for what is computed of them.")
    if pooling or workers or follow_links:
        raise click.UsageError(
            "--pooling, --workers and --follow-links are for a folder; a sound keeps all its frames."
        )
    targets = outputs.plan(output, sounds, chosen, wanted, suffix)
    write = partial(outputs.write, spreadsheet_safe=spreadsheet_safe)
    written = _embed_sounds(sounds, chosen, wanted, targets, options, write, aloud=not as_json and output != "-")
    if as_json:
        print_json(written)
    return int(len(written) < len(targets))


def _embed_sounds(
    sounds: list[Path], names: list[str], layers: list[str], targets: list[outputs.Target], options: Any,
    write: Callable[..., None], *, aloud: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """Write the embeddings of sounds, say what failed, and return what was written."""
    from embviz.extraction import extract

    written: list[dict[str, Any]] = []

    def describe_interruption() -> str:
        files = f"{len(written):,} of {plural(len(targets), 'file')}"
        return f"Interrupted after {files}; these stay." if written else "Interrupted."

    with reporter(True) as report, interruption_note(describe_interruption):
        for sound in sounds:
            # What is wrong with a model or a layer is wrong for every sound, and ends all; a bad sound ends itself.
            try:
                found = extract.embed(sound, names, layer=layers, **options, progress=report)
                own = [target for target in targets if target.audio == sound]
                for target, embedding in zip(own, itertools.chain.from_iterable(found), strict=True):
                    write(target.path, embedding)
                    written.append(_written(target, embedding, aloud=aloud))
            except (AudioError, GraphError, outputs.OutputError) as error:
                say(error)
    return written


def _written(target: outputs.Target, embedding: Embedding, *, aloud: bool) -> dict[str, Any]:
    frames, dimensions = embedding.shape
    if aloud:
        what = f"{target.audio.name}, {target.model} / {target.layer}"
        print(f"{what}: {frames} frames × {dimensions} dimensions → {target.path}")
    place = {"audio": str(target.audio), "model": target.model, "layer": target.layer, "file": str(target.path)}
    return {**place, "frames": frames, "dimensions": dimensions, "padded": embedding.padded}


def _folder_targets(
    output: str | None, sounds: list[Path], names: list[str], layers: list[str], suffix: str
) -> list[outputs.Target]:
    """Decide which result of a folder goes where; nothing goes anywhere without an output."""
    if files := [sound for sound in sounds if not sound.is_dir()]:
        raise click.UsageError(f"Folders are expected, or sounds; {str(files[0])!r} is no folder, unlike others.")
    if output == "-":
        raise click.UsageError("What is computed of a folder goes to a file; name one with -o.")
    return [] if output is None else outputs.plan(output, [_holder(sounds)], names, layers, suffix)


def _holder(folders: list[Path]) -> Path:
    """Return the folder, or that which holds all of several."""
    return folders[0] if len(folders) == 1 else Path(os.path.commonpath([folder.absolute() for folder in folders]))


def _embed_folder(
    folder: Path, collection: Collection, names: list[str], layers: list[str], targets: list[outputs.Target],
    options: Any, write: Callable[..., None], *, as_json: bool,
) -> int:  # fmt: skip
    """Compute vectors of the sounds, write them where that is asked for, and say what failed or is odd."""
    from embviz.batch import embed_table
    from embviz.collection.track_table import add_sound_facts
    from embviz.core.cache import Cache

    store = Cache()
    options = {**options, "cache": store}
    with reporter(True) as report:
        tracks = collection.table
        found = list(itertools.chain.from_iterable(embed_table(tracks, names, layers, progress=report, **options)))
    for target, vectors in zip(targets, found, strict=False):
        write(target.path, vectors, tracks)
    for note in collection.notes:
        say(note)
    for failed in dict.fromkeys(tuple(vectors.failed.items()) for vectors in found):
        _say_each(dict(failed), tracks, "failed")
    warnings = add_sound_facts(tracks, store)["warning"]
    _say_each(warnings[warnings != ""].to_dict(), tracks, "sound odd")
    files: list[Path | None] = [target.path for target in targets] if targets else [None] * len(found)
    if as_json:
        print_json([_of_folder(folder, vectors, file) for vectors, file in zip(found, files, strict=True)])
    else:
        kept = "not kept" if store.unwritable else "the cache"
        for vectors, file in zip(found, files, strict=True):
            what = f"{vectors.model} / {vectors.layer}: {vectors.shape[0]} vectors × {vectors.shape[1]} dimensions"
            print(f"{what} → {file or kept}")
    return int(any(vectors.failed for vectors in found))


def _say_each(said: dict[int, str], tracks: DataFrame, what: str) -> None:
    """Say a sentence of each of some tracks, and how many more there are; `what` is the matter with them."""
    for label, sentence in itertools.islice(said.items(), MOST_SAID):
        name = tracks.loc[label, "name"]
        say(sentence if name in sentence else f"{name}: {sentence}")
    if len(said) > MOST_SAID:
        say(f"… and {len(said) - MOST_SAID:,} more; {len(said):,} of {len(tracks):,} tracks {what}.")


def _of_folder(folder: Path, vectors: Vectors, file: Path | None) -> dict[str, Any]:
    what = {"model": vectors.model, "layer": vectors.layer, "pooling": vectors.pooling}
    size = {"vectors": vectors.shape[0], "dimensions": vectors.shape[1], "failed": len(vectors.failed)}
    return {"folder": str(folder), **what, "file": None if file is None else str(file), **size}
