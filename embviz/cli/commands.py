"""The command line.

Conventions: results go to stdout, progress and complaints to stderr. Exit codes: 0 all done; 1 something could not be
done, said in a sentence each; 2 the command was not understood; 130 interrupted.
"""

# Click, not Typer: it needs nothing else, starts sooner, and its usage errors stay one plain line in a pipe.

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from embviz import __version__
from embviz.cli import outputs
from embviz.core.progress import Report, reporter
from embviz.errors import AudioError, EmbvizError, GraphError

if TYPE_CHECKING:
    from pandas import DataFrame

    from embviz.cli.doctor import Check
    from embviz.core.cache import Cache
    from embviz.core.embedding import Embedding
    from embviz.core.vectors import Vectors
    from embviz.models import Model

__all__ = ["main"]

PATH = click.Path(path_type=Path)
POOLINGS = ("mean", "mean+std", "max", "median", "frames")  # those of embviz.batch, which takes its time to load
MOST_FAILED = 20  # tracks of a folder of which it is said what went wrong

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # File names may hold what the terminal's encoding, or any encoding, lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = int(cli.main(arguments, prog_name="embviz", standalone_mode=False) or 0)
            sys.stdout.flush()
            return code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except EmbvizError as error:
        say(error)
        return 1
    except BrokenPipeError:
        # Who read our output has gone; what Python still holds must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        place = f"{str(error.filename)!r}: " if error.filename else ""
        say(f"{place}{error.strerror or error}.")
        return 1


def say(message: object) -> None:
    """Print a sentence to stderr, on one line."""
    print(f"embviz: {' '.join(str(message).split())}", file=sys.stderr, flush=True)


class Commands(click.Group):
    """The commands; Ctrl-C ends any of them with one line."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            print(end="\n" if sys.stderr.isatty() else "", file=sys.stderr)  # the terminal has echoed ^C
            say("Interrupted.")
            context.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Show what Essentia's deep audio models compute."""


# -- models and their weights ------------------------------------------------------------------------------------


@cli.command()
@_json
def models(as_json: bool) -> None:
    """List the models, and whether their weights are here."""
    from embviz.models import list_models

    frame = list_models().reset_index()
    if as_json:
        print(frame.to_json(orient="records", indent=2, force_ascii=False))
        return
    if sys.stdout.isatty():
        frame = frame[["name", "task", "dimensions", "weights"]]
    _print_table([str(column) for column in frame.columns], frame.itertuples(index=False))


@cli.command()
@click.argument("names", metavar="[MODEL]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every model of the catalogue.")
@click.option("--default", is_flag=True, help="The models of the poster; the same as no model at all.")
@click.option("--from", "folder", type=PATH, help="Take the .pb files of this folder.")
@_json
def pull(names: tuple[str, ...], *, everything: bool, default: bool, folder: Path | None, as_json: bool) -> int:
    """Get the weights of models.

    They are verified, and kept in the data folder; what is there already stays. Without a model: the six of the
    poster, or, with --from, all that the folder has. OpenL3 and VGGish are published on Essentia's site only: where
    that cannot be reached, the default is content without them.
    """
    from embviz.models import ALIASES, CATALOGUE, weights

    if (bool(names) + everything + default) > 1:
        raise click.UsageError("Name models, or say --all, or --default: one of these.")
    wanted = None if folder and not default else ALIASES.values()
    pulled = weights.pull_all(names or (CATALOGUE if everything else wanted), folder=folder, progress=True)
    for error in pulled.failed.values():
        say(error)
    if as_json:
        _print_json(
            [
                {"model": name, "file": str(found.path), "sha256": found.sha256, "source": found.source}
                for name, found in pulled.ready.items()
            ]
        )
    else:
        for name, found in pulled.ready.items():
            print(f"{name}: {found.path} ({found.source})")
    excused = set() if names or everything or folder else {n for n in pulled.failed if _published_on_site_only(n)}
    return int(bool(pulled.failed.keys() - excused))


def _published_on_site_only(name: str) -> bool:
    from embviz.models import get_model

    return {source.kind for source in get_model(name).sources} == {"zoo"}


# -- embeddings --------------------------------------------------------------------------------------------------


def _hop(_: click.Context, __: click.Parameter, value: str | None) -> float | str | None:
    try:
        return value if value in {None, "dense"} else float(str(value))
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number of seconds nor 'dense'.") from None


@cli.command()
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
    "--format",
    "suffix",
    type=click.Choice([suffix.removeprefix(".") for suffix in outputs.SUFFIXES]),
    default="npz",
    show_default=True,
    help="Format of the files in a folder.",
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
@click.option("--pooling", type=click.Choice(POOLINGS), help="Of a folder: what becomes of a track's frames; the mean.")
@click.option("--workers", type=click.IntRange(1), help="Of a folder: number of processes; one per core by default.")
@_json
def embed(  # noqa: PLR0913  a command's options are many
    audio: tuple[Path, ...],
    *,
    names: tuple[str, ...],
    layers: tuple[str, ...],
    output: str | None,
    suffix: str,
    patch_hop: float | str | None,
    resample_quality: int | None,
    pooling: str | None,
    workers: int | None,
    as_json: bool,
) -> int:
    """Write the embeddings of sounds to files.

    One sound, model and layer make one result, and OUTPUT is its file. Several need a folder, where they are named
    TRACK.MODEL.LAYER.npz, or a name with a placeholder for whatever there is more than one of, such as
    "results/{track}/{model}.{layer}.csv". OUTPUT - prints one result as CSV.

    A .npz file holds the arrays values [t, d], times [t] in seconds, labels [d], and meta (JSON), and no pickle; the
    tables have the time in seconds as their index.

    A folder instead of sounds makes one result of all sounds in it, a vector for each, and fills the cache; without
    -o it does only that. It can be interrupted at any time: the same command goes on where it stopped.
    """
    from embviz.extraction import extract
    from embviz.models import get_model

    if as_json and output == "-":
        raise click.UsageError("--json and '-o -' would both print to stdout; choose one.")
    chosen = list(dict.fromkeys(get_model(name).name for name in names))
    wanted, sounds = list(dict.fromkeys(layers)), list(dict.fromkeys(audio))
    if any(sound.is_dir() for sound in sounds):
        options: dict[str, Any] = {
            "pooling": pooling or "mean",
            "patch_hop": patch_hop,
            "resample_quality": resample_quality,
            "workers": workers,
        }
        targets = _folder_targets(output, sounds, chosen, wanted, suffix)
        return _embed_folder(sounds[0], chosen, wanted, targets, options, as_json=as_json)
    if output is None:
        for sound in sounds:
            if not sound.exists():
                raise AudioError(f"There is no file or folder {str(sound)!r}; check the path.")
        raise click.UsageError("Missing option '-o' / '--output': sounds need a place for what is computed of them.")
    if pooling or workers:
        raise click.UsageError("--pooling and --workers are for a folder; a sound keeps all its frames.")
    targets = outputs.plan(output, sounds, chosen, wanted, suffix)
    options = {"layer": wanted, "patch_hop": patch_hop, "resample_quality": resample_quality}
    written: list[dict[str, Any]] = []
    with reporter(True) as report:
        for sound in sounds:
            # What is wrong with a model or a layer is wrong for every sound, and ends all; a bad sound ends itself.
            with _complaining(AudioError, GraphError, outputs.OutputError):
                found = extract.embed(sound, chosen, **options, progress=report)
                own = [target for target in targets if target.audio == sound]
                for target, embedding in zip(own, itertools.chain.from_iterable(found), strict=True):
                    outputs.write(target.path, embedding)
                    written.append(_written(target, embedding, aloud=not as_json and output != "-"))
    if as_json:
        _print_json(written)
    return int(len(written) < len(targets))


@contextlib.contextmanager
def _complaining(*errors: type[EmbvizError]) -> Iterator[None]:
    """Say what went wrong, and go on with the next."""
    try:
        yield
    except errors as error:
        say(error)


def _written(target: outputs.Target, embedding: Embedding, *, aloud: bool) -> dict[str, Any]:
    frames, dimensions = embedding.shape
    if aloud:
        what = f"{target.audio.name}, {target.model} / {target.layer}"
        print(f"{what}: {frames} frames × {dimensions} dimensions → {target.path}")
    return {
        "audio": str(target.audio),
        "model": target.model,
        "layer": target.layer,
        "file": str(target.path),
        "frames": frames,
        "dimensions": dimensions,
        "padded": embedding.padded,
    }


def _folder_targets(
    output: str | None, sounds: list[Path], names: list[str], layers: list[str], suffix: str
) -> list[outputs.Target]:
    """Decide which result of a folder goes where; nothing goes anywhere without an output."""
    if len(sounds) > 1:
        raise click.UsageError(f"One folder is expected, or sounds; {len(sounds)} paths were given.")
    if output == "-":
        raise click.UsageError("What is computed of a folder goes to a file; name one with -o.")
    return [] if output is None else outputs.plan(output, sounds, names, layers, suffix)


def _embed_folder(
    folder: Path, names: list[str], layers: list[str], targets: list[outputs.Target], options: Any, *, as_json: bool
) -> int:
    """Compute vectors of all sounds in a folder, write them where that is asked for, and say what failed."""
    from embviz.batch import embed_table
    from embviz.collection import Collection

    with reporter(True) as report:
        tracks = Collection.from_folder(folder, progress=report).table
        found = list(itertools.chain.from_iterable(embed_table(tracks, names, layers, progress=report, **options)))
    for target, vectors in zip(targets, found, strict=False):
        outputs.write_vectors(target.path, vectors, tracks)
    for failed in dict.fromkeys(tuple(vectors.failed.items()) for vectors in found):
        _say_failed(dict(failed), tracks)
    files: list[Path | None] = [target.path for target in targets] if targets else [None] * len(found)
    if as_json:
        _print_json([_of_folder(folder, vectors, file) for vectors, file in zip(found, files, strict=True)])
    else:
        for vectors, file in zip(found, files, strict=True):
            what = f"{vectors.model} / {vectors.layer}: {vectors.shape[0]} vectors × {vectors.shape[1]} dimensions"
            print(f"{what} → {file or 'the cache'}")
    return int(any(vectors.failed for vectors in found))


def _say_failed(failed: dict[int, str], tracks: DataFrame) -> None:
    for label, sentence in itertools.islice(failed.items(), MOST_FAILED):
        name = tracks.loc[label, "name"]
        say(sentence if name in sentence else f"{name}: {sentence}")
    if len(failed) > MOST_FAILED:
        say(f"… and {len(failed) - MOST_FAILED:,} more; {len(failed):,} of {len(tracks):,} tracks failed.")


def _of_folder(folder: Path, vectors: Vectors, file: Path | None) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "model": vectors.model,
        "layer": vectors.layer,
        "pooling": vectors.pooling,
        "file": None if file is None else str(file),
        "vectors": vectors.shape[0],
        "dimensions": vectors.shape[1],
        "failed": len(vectors.failed),
    }


# -- poster ------------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("audio", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="File: .html, .png or .svg.")
@click.option(
    "-m", "--model", "names", multiple=True, help="Model or system; may be repeated. One of each system by default."
)
@click.option("-l", "--layer", default="embedding", show_default=True, help="Layer of every model.")
@click.option(
    "--audio",
    "how",
    type=click.Choice(["embed", "link"]),
    default="embed",
    show_default=True,
    help="Whether a page holds the sound, re-encoded small, or plays the file from where it is.",
)
def poster(audio: Path, output: Path, *, names: tuple[str, ...], layer: str, how: str) -> None:
    """Show what models make of a sound, on a page or in a picture.

    The embedding of each model stands on its own, over a common time axis; one without weights says how to get them.
    A page (.html) plays the sound beside its embeddings, in any browser, without Jupyter or a network; a picture (.png,
    .svg) is the figure of the poster.
    """
    from embviz.models import get_model
    from embviz.models.weights import find_weights
    from embviz.plotting import heatmap_figure, save

    outputs.check_file(output, save.SUFFIXES, [audio])
    records = [get_model(name) for name in names or heatmap_figure.SYSTEMS]
    missing = [record.name for record in records if find_weights(record) is None]
    if missing:
        say(f"no weights here of {', '.join(missing)}; get them with: embviz pull {' '.join(missing)}")
    with reporter(True) as report:
        if output.suffix.lower() == ".html":
            _write_page(audio, output, records, missing, layer=layer, how=how, report=report)
        else:
            save.save_figure(heatmap_figure.poster(audio, records, layer=layer, progress=report), output)
    print(output)


def _write_page(
    audio: Path, output: Path, records: list[Model], missing: list[str], *, layer: str, how: str, report: Report
) -> None:
    from embviz.app.tracks import Tracks
    from embviz.export.track_page import missing_weights_row, write_track_page
    from embviz.extraction import extract

    [track] = Tracks([audio])
    sound = track.open()
    here = [record for record in records if record.name not in missing]
    found = iter(extract.embed(sound, here, layer=layer, progress=report) if here else ())
    contents = [missing_weights_row(record) if record.name in missing else next(found) for record in records]
    details = [track.style, f"{track.bpm:g} BPM" if track.bpm else "", track.key]
    write_track_page(
        output, sound, contents, title=track.title or None, audio=how, details=details, sections=track.sections
    )
    say(f"{output.name} takes {output.stat().st_size / 1e6:.1f} MB.")


# -- the map of a collection ---------------------------------------------------------------------------------------


@cli.command()
@click.argument("folder", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="File: .html.")
@click.option("-m", "--model", "name", default="musicnn", show_default=True, help="Model or system.")
@click.option("-l", "--layer", default="embedding", show_default=True, help="Layer of the model.")
@click.option("--method", default="umap", show_default=True, help="How the map is made: umap, pca, tsne or pacmap.")
@click.option(
    "--points", type=click.Choice(["tracks", "frames"]), default="tracks", show_default=True, help="What a point is."
)
@click.option(
    "--audio",
    "how",
    type=click.Choice(["link", "embed", "clips"]),
    default="link",
    show_default=True,
    help="Whether the page plays the files from where they are, or holds the tracks, or 25 s of each.",
)
@click.option("--tags/--no-tags", default=True, show_default=True, help="Whether MusiCNN's tags name the clusters.")
@click.option(
    "--heatmaps/--no-heatmaps", default=True, show_default=True, help="Whether the page shows the frames of a track."
)
def report(folder: Path, output: Path, *, name: str, how: str, **options: Any) -> int:
    """Put the map of a folder of music on a page.

    Tracks that a model hears as similar lie close together on it; a click plays one. The page works in any browser,
    without Jupyter or a network. What cannot be read is said, and left out; the exit code is then 1.
    """
    from embviz.collection import Collection
    from embviz.export import collection_report

    outputs.check_file(output, [".html"], [])
    with reporter(True) as told:
        found = Collection.from_folder(folder, progress=told)
        options |= {"title": folder.resolve().name, "notes": found.notes}
        failed = collection_report.write_collection_report(
            output, found.table, model=name, audio=how, **options, progress=told
        )
    for problem in failed:
        say(problem)
    say(f"{output.name} takes {output.stat().st_size / 1e6:.1f} MB.")
    print(output)
    return int(bool(failed))


# -- cache -------------------------------------------------------------------------------------------------------


def _bytes(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", value.strip().lower())
    if not match:
        raise click.BadParameter(f"{value!r} is not a size such as 500M or 2G.")
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2] or " "))


@cli.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """Look after the embeddings that are kept (alone: info)."""
    if context.invoked_subcommand is None:
        context.invoke(cache_info)


@cache.command("info")
@_json
def cache_info(as_json: bool = False) -> None:
    """Print where the cache is and how much it holds."""
    info = _cache().info()
    if as_json:
        _print_json(info)
        return
    print(f"{info['folder']}: {info['entries']} entries, {_size(info['bytes'])} of at most {_size(info['limit'])}")
    if info["derived"]:
        print(f"{_size(info['derived'])} of vectors, neighbours and maps of collections, of at most as much again.")
    if info["sounds"]:
        print(f"{_size(info['sounds'])} of sound was made for browsers; embviz cache clear removes it, too.")
    if info["damaged"]:
        print(f"{info['damaged']} damaged entries were set aside; embviz cache prune removes them.")


@cache.command("verify")
@_json
def cache_verify(as_json: bool) -> int:
    """Read every entry, and set the damaged ones aside; they will be computed again.

    The exit code is 1 if there were any.
    """
    damaged = [str(entry) for entry in _cache().verify()]
    if as_json:
        _print_json({"damaged": damaged})
    elif damaged:
        print(*(f"damaged, set aside: {entry}" for entry in damaged), sep="\n")
    else:
        print("Every entry is whole.")
    return int(bool(damaged))


@cache.command("prune")
@click.option("--max-bytes", "limit", callback=_bytes, metavar="SIZE", help="Size to stay under, such as 500M or 2G.")
def cache_prune(limit: int | None) -> None:
    """Remove what was used longest ago, until the cache is within its limit."""
    store = _cache()
    freed = store.prune(limit)
    info = store.info()
    print(f"{_size(freed)} removed, {_size(info['bytes'] + info['derived'])} kept.")


@cache.command("clear")
def cache_clear() -> None:
    """Remove everything from the cache; weights are not touched."""
    print(f"{_size(_cache().clear())} removed.")


def _cache() -> Cache:
    from embviz.core.cache import Cache

    return Cache()


# -- doctor ------------------------------------------------------------------------------------------------------


@cli.command()
@_json
def doctor(as_json: bool) -> int:
    """Say what works here, what is missing, and how to mend it.

    The exit code is 1 if something is missing that embviz cannot do without.
    """
    from embviz.cli.doctor import checks

    found = checks()
    if as_json:
        _print_json([asdict(check) for check in found])
    else:
        _print_checks(found)
    return int(any(check.needed and not check.works for check in found))


def _print_checks(found: Iterable[Check]) -> None:
    for check in found:
        print(f"{'works' if check.works else 'missing':<8} {check.name}: {check.found}")
        if not check.works:
            print(f"{'':<8} → {check.mend}")


# -- printing ----------------------------------------------------------------------------------------------------


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table: ruled on a terminal, tab-separated in a pipe."""
    if not sys.stdout.isatty():
        for row in (header, *rows):
            print("\t".join(map(str, row)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"warning: {message}")
