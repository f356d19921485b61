"""Commands that write pages and pictures: ``poster`` of a sound, ``report`` of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embviz.cli import outputs
from embviz.cli.console import PATH, engine_option, follow_links_option, say
from embviz.core.progress import reporter

if TYPE_CHECKING:
    from embviz.extraction.engines import EngineOption
    from embviz.models import Model


@click.command()
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
@engine_option
def poster(audio: Path, output: Path, *, names: tuple[str, ...], layer: str, how: str, engine: EngineOption) -> None:
    """Show what models make of a sound, on a page or in a picture.

    The embedding of each model stands on its own, over a common time axis; one without weights says how to get them.
    A page (.html) plays the sound beside its embeddings, in any browser, without Jupyter or a network; a picture (.png,
    .svg) is the figure of the poster.
    """
    from embviz.extraction.extract import find_obstacle
    from embviz.models import get_model
    from embviz.models.catalogue import POSTER
    from embviz.models.weights import find_weights
    from embviz.plotting import heatmap_figure, save

    outputs.check_file(output, save.SUFFIXES, [audio])
    records = [get_model(name) for name in names or POSTER]
    missing = [record.name for record in records if find_weights(record) is None]
    if missing:
        say(f"no weights here of {', '.join(missing)}; get them with: embviz pull {' '.join(missing)}")
    reasons = dict.fromkeys(missing, "")
    for record in records:
        if record.name not in missing and (reason := find_obstacle(record, layer, engine)):
            reasons[record.name] = reason
            say(f"{record.name} is left out: {reason}")
    with reporter(True) as report:
        options: dict[str, Any] = {"layer": layer, "engine": engine, "progress": report}
        if output.suffix.lower() == ".html":
            _write_page(audio, output, records, reasons, how, options)
        else:
            save.save_figure(heatmap_figure.poster(audio, records, **options), output)
    print(output)


def _write_page(
    audio: Path, output: Path, records: list[Model], reasons: dict[str, str], how: str, options: dict[str, Any]
) -> None:
    from embviz.app.tracks import Tracks
    from embviz.export.track_page import missing_row, write_track_page
    from embviz.extraction import extract

    [track] = Tracks([audio])
    sound = track.open()
    here = [record for record in records if record.name not in reasons]
    found = iter(extract.embed(sound, here, **options) if here else ())
    contents = [missing_row(r, reasons[r.name]) if r.name in reasons else next(found) for r in records]
    details = [track.style, f"{track.bpm:g} BPM" if track.bpm else "", track.key]
    write_track_page(
        output, sound, contents, title=track.title or None, audio=how, details=details, sections=track.sections
    )
    say(f"{output.name} takes {output.stat().st_size / 1e6:.1f} MB.")


@click.command()
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=PATH)
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
    type=click.Choice(["auto", "clips", "embed", "link"]),
    default="auto",
    show_default=True,
    help="Whether the page holds 25 s of each track, or the whole tracks, or plays the files from where they are; auto "
    "is clips up to 200 tracks, links for more.",
)
@click.option(
    "--color",
    help="What the points are coloured by at first: cluster (the default), trust, a column such as folder or one of "
    "--table, or a tag that MusiCNN hears.",
)
@click.option(
    "--table",
    "facts",
    type=PATH,
    help="A csv or parquet file with more columns; its column path, file, name, filename, audio or track says which "
    "track a row is about.",
)
@click.option("--coordinates", type=PATH, help="A .csv file for the places of the points, with their clusters.")
@click.option("--title", default="", help="Title of the page; the folder's name by default.")
@click.option("--tags/--no-tags", default=True, show_default=True, help="Whether MusiCNN's tags name the clusters.")
@click.option(
    "--heatmaps/--no-heatmaps", default=True, show_default=True, help="Whether the page shows the frames of a track."
)
@follow_links_option
@engine_option
def report(
    folders: tuple[Path, ...], output: Path, *, name: str, how: str, facts: Path | None, follow_links: bool,
    **options: Any,
) -> int:  # fmt: skip
    """Put the map of a folder of music, or of several, on a page.

    Tracks that a model hears as similar lie close together on it; a click plays one. The page works in any browser,
    without Jupyter or a network. What cannot be read is said, and left out; the exit code is then 1.
    """
    from embviz.collection import Collection
    from embviz.export import collection_page, collection_report

    outputs.check_file(output, [".html"], [])
    if options["coordinates"] is not None:
        outputs.check_file(options["coordinates"], [".csv"], [])
    with reporter(True) as told:
        found = Collection.from_folder(folders, follow_links=follow_links, progress=told)
        if facts is not None:
            found = found.join_file(facts)
        options |= {
            "title": options["title"] or " + ".join(folder.resolve().name for folder in folders),
            "notes": found.notes,
        }
        failed = collection_report.write_collection_report(
            output, found.table, model=name, audio=how, **options, progress=told
        )
    for problem in failed:
        say(problem)
    if how == "auto":
        say(collection_page.describe_audio(output, len(found.table), "--audio {}"))
    say(f"{output.name} takes {output.stat().st_size / 1e6:.1f} MB.")
    print(output)
    if options["coordinates"] is not None:
        print(options["coordinates"])
    return int(bool(failed))
