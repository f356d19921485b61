"""The map of a collection as one page that needs no kernel: it is opened from a disk, and asks no network for anything.

Conventions: a *point* is a track, or a frame of one; arrays of points are in the order of the vectors. Tracks of the
page are counted from 0 in the order in which they first occur there; those that gave no vector are listed, not drawn.
The widgets stand still (:mod:`.static_widgets`), and what belongs to one track (its sound, outline, heatmap and trail)
is decoded when that track is chosen, so that a large page opens as fast as a small one.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core.progress import Progress, reporter
from embviz.core.text import plural, printable, printable_name, trim_lines
from embviz.errors import FigureError, OptionError
from embviz.export import page_audio, provenance, static_widgets
from embviz.export.columns import ColorSpec, page_colors, tag_colors
from embviz.export.facets import Facet, page_facets
from embviz.export.static_map import StaticMap
from embviz.export.static_neighbors import add_neighbors
from embviz.export.static_widgets import MAX_BYTES, PageData, without_comm
from embviz.export.track_assets import TrackAssets, build_track_assets
from embviz.plotting import save
from embviz.plotting.axes import missing_notes
from embviz.widgets.atlas import are_filters
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.player import Player

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from embviz.analysis.projection import Projection
    from embviz.core.embedding import Embedding
    from embviz.core.vectors import Vectors
    from embviz.plotting.axes import Axis


AUDIO = ("auto", "clips", "embed", "link")
CLIPPED = 200  # tracks; a page of more only links to the sounds by default
REMEDY = "choose audio='clips' or audio='link' (--audio), fewer tracks, or no heatmaps (embeddings=None, --no-heatmaps)"
NEAR = "; those that the model hears as similar lie close together"
GUIDE = (
    "Each point is {point}{near}. Point at one to see what it is, "
    "click to hear it. The wheel zooms, dragging moves the map, shift-drag draws a lasso around tracks."
)
CLIPS = f" Of each track this page holds the loudest {page_audio.CLIP:.0f} s; nothing else of it can be heard here."


def write_collection_page(path: str | os.PathLike[str], table: pd.DataFrame, **options: Any) -> Path:
    """Write the map of a collection as a page, ``.html``, whole or not at all; return where.

    All else is as for :func:`render_collection_page`, which is told the folder of `path`; FigureError is also raised
    where the file cannot be written.
    """
    return static_widgets.write_page(path, lambda folder: render_collection_page(table, folder=folder, **options))


def choose_audio(audio: str, tracks: int) -> str:
    """Return how a page of so many tracks brings the sound: as asked for, or by their number."""
    static_widgets.check_audio(audio, AUDIO)
    return ("clips" if tracks <= CLIPPED else "link") if audio == "auto" else audio


def describe_audio(path: str | os.PathLike[str], tracks: int, option: str = "audio='{}'") -> str:
    """Return what was chosen for a page whose sound was left to ``"auto"``, and how to have it otherwise.

    `option` is how a choice is written where the page was asked for.
    """
    name, of = repr(printable_name(Path(path))), plural(tracks, "track")
    clips, embed, link = map(option.format, ("clips", "embed", "link"))
    if choose_audio("auto", tracks) == "clips":
        return (
            f"{name} holds the loudest {page_audio.CLIP:.0f} s of each of {of} and plays wherever it is copied to "
            f"({clips}); {embed} puts the whole tracks into it, {link} plays the files from where they are."
        )
    return (
        f"{name} plays the files of {of} from where they are and is silent where it is copied without them ({link}, "
        f"the default for more than {CLIPPED} tracks); {clips} puts {page_audio.CLIP:.0f} s of each into the page."
    )


def render_collection_page(  # noqa: PLR0913  what a page can be told apart by
    table: pd.DataFrame,
    *,
    vectors: Vectors,
    projection: Projection,
    colors: Iterable[ColorSpec] = (),
    names: Mapping[int, str] | None = None,
    clusters: ArrayLike | None = None,
    tags: Vectors | None = None,
    embeddings: Callable[[int], Embedding | None] | None = None,
    filters: dict[str, Any] | None = None,
    axes: tuple[Axis, Axis] | None = None,
    audio: str = "auto",
    title: str | None = None,
    theme: str = "auto",
    progress: Progress = None,
    notes: Sequence[str] = (),
    folder: str | os.PathLike[str] = ".",
) -> str:
    """Return the map of a collection as a page, HTML: to look at, to search, to listen to, and to take playlists from.

    Parameters
    ----------
    table : DataFrame
        A row per track, as a collection has it.
    vectors : Vectors
        What the map was made of.
    projection : Projection
        The map of these vectors.
    colors : iterable of str, Series or PageColor
        What the map can be coloured by, the first one to begin with: a column of the table, a Series by the labels of
        the table (its name is the title), or a :class:`PageColor`. The clusters and how many of its neighbours a point
        keeps on the map come last by themselves, or where ``"cluster"`` and ``"trust"`` stand.
    names : mapping of int to str, optional
        Names of clusters; their numbers by default.
    clusters : array of int, optional
        Cluster of each point; -1 is none.
    tags : Vectors, optional
        Output of a tagger for the tracks: the page says what is heard most at each point, and can be coloured by any
        tag.
    embeddings : callable, optional
        What gives the embedding of a track by its label, or None: the page then shows its heatmap and, where the
        vectors are their means, the way of the sound over the map.
    filters : dict, optional
        What the page is filtered by to begin with, as :mod:`embviz.export.facets` describes it, by the keys of facets
        (``"column:genre"``); those of columns that the page does not offer are left out.
    axes : (Axis, Axis), optional
        What x and y mean in place of the projection, with a value for each point, as
        :func:`embviz.plotting.axes.encode_axis` makes them.
    audio : {"auto", "clips", "embed", "link"}
        ``"clips"``: the page holds the loudest 25 seconds of each track, mixed to one channel at 24 kHz (170 kB a
        track), and plays wherever it is copied to. ``"embed"``: it holds the whole tracks, re-encoded at about 96
        kbit/s (1 MB a minute, as text). ``"link"``: it holds only the paths to the files from `folder`, so that it
        must be moved together with them; files that browsers cannot play are named on the page. ``"auto"`` is clips
        up to 200 tracks, links for more.
    title : str, optional
        Of the page.
    theme : {"auto", "light", "dark"}
        As for :func:`embviz.save_figure`; a button changes it.
    progress : bool, callable or None
        As for :func:`embviz.embed`.
    notes : sequence of str
        Sentences to show below the map.
    folder : path
        Where the page will lie.

    Raises
    ------
    FigureError
        If the page would be larger than a browser opens.
    OptionError
        If an option has no such value, or arrays do not belong together.
    """
    audio = choose_audio(audio, len(np.unique(vectors.tracks)))
    save.check_theme(theme)
    if not are_filters(filters or {}):
        raise OptionError(f"Filters are expected as Atlas.state() has them; {filters!r:.80} was found.")
    rows = table.loc[_check_tracks(table, vectors, projection)]
    asked = list(colors)
    chosen = page_colors([*asked, *tag_colors(tags, asked)], table, projection, clusters, names)
    check_page_size(rows, audio)
    blocks = PageData(MAX_BYTES, REMEDY)
    with reporter(progress) as report:
        drawn = StaticMap(rows, vectors, projection, clusters, names, tags, axes)
        nearest = add_neighbors(vectors, projection.metric, blocks, report)
        made = build_track_assets(drawn, embeddings, audio=audio, folder=folder, blocks=blocks, report=report)
    _warn_of_silence(made, audio)
    heatmap = without_comm(Heatmap)(message="Choose a track on the map.")
    what, point = ("track", "a track") if vectors.times is None else ("frame", "a moment of a track")
    description = {
        "title": trim_lines(title or "") or f"Map of {plural(len(rows), 'track')}",
        "facts": provenance.subtitle_facts(vectors, projection, len(rows), axes),
        "measures": provenance.quality_facts(projection) if axes is None else [],
        "caution": provenance.reading_caution(projection, axes),
        "guide": GUIDE.format(point=point, near=NEAR if axes is None else "") + (CLIPS if audio == "clips" else ""),
        "theme": theme,
        "notes": trim_lines([*(projection.notes if axes is None else missing_notes(axes, what)), *notes]),
        "files": trim_lines(_file_names(rows, folder if audio == "link" else None)),
        "beside": "beside this page" if audio == "link" else "into the folder of the music",
        "map": drawn.to_static(blocks),
        "colors": [drawn.encode_color(color, blocks) for color in chosen],
        "near": nearest,
        "facets": _facets(page_facets(rows, vectors, clusters, names, tags), filters or {}, blocks),
        "player": static_widgets.static_widget(without_comm(Player)(), blocks),
        "heatmap": static_widgets.static_widget(heatmap, blocks) if made.source else None,
        "parts": made.names,
        "about": provenance.provenance_sections(table, vectors, projection, made, audio),
    }
    return static_widgets.render_page(description, blocks, script="collection_page", linked=audio == "link")


def _warn_of_silence(made: TrackAssets, audio: str) -> None:
    """Warn of tracks that are silent on the page, which looks as complete without their sound."""
    total = plural(len(made.names), "track")
    if made.missing:
        warnings.warn(
            f"The sound files of {len(made.missing):,} of {total} are missing, so these are silent on the page: "
            f"{made.missing[0]} Put the files back, or make the collection anew from where they are now, and write the "
            "page again.",
            stacklevel=2,
        )
    others = [problem for problem in made.silent if problem not in made.missing]
    if others:
        remedy = " Choose audio='clips' or audio='embed' (--audio)." if audio == "link" else ""
        warnings.warn(f"{len(others):,} of {total} cannot be heard on the page: {others[0]}{remedy}", stacklevel=2)


def _facets(made: tuple[list[Facet], list[str]], filters: dict[str, Any], blocks: PageData) -> dict[str, Any]:
    """Return the columns that the reader can filter by, and which of them are shown and filtered by at first."""
    facets, keys = made
    known = {facet.key: dict(filters[facet.key]) for facet in facets if facet.key in filters}
    for given in known.values():
        if "values" in given:
            given["values"] = trim_lines(given["values"])
    numbers = b"".join(facet.numbers.astype("<f4").tobytes() for facet in facets)
    items = [
        {**facet.to_dict(), "title": trim_lines(facet.title), "labels": trim_lines(facet.labels)} for facet in facets
    ]
    keys = [*keys, *(key for key in known if key not in keys)]
    return {"items": items, "keys": keys, "filters": known, "values": blocks.add(numbers)}


def _check_tracks(table: pd.DataFrame, vectors: Vectors, projection: Projection) -> list[int]:
    """Return the labels of the tracks that have points, in their order; OptionError where inputs do not match."""
    if len(projection.xy) != len(vectors.tracks):
        raise OptionError(
            f"A map has a place for each vector: {len(vectors.tracks):,} vectors and {len(projection.xy):,} places "
            "were found; project these vectors."
        )
    lacking = [name for name in ("path", "name", "title", "duration") if name not in table.columns]
    if lacking:
        raise OptionError(f"The table of a collection is expected, one without a column {lacking[0]!r} was found.")
    labels = list(dict.fromkeys(map(int, vectors.tracks)))
    if not labels:
        raise OptionError("There is no track to draw: no vector was found.")
    missing = set(labels) - set(table.index)
    if missing:
        raise OptionError(
            f"The table has no track {min(missing)} of {plural(len(missing), 'track')} that vectors are of; "
            "pass the table that they were made of."
        )
    return labels


def _file_names(rows: pd.DataFrame, folder: str | os.PathLike[str] | None) -> list[str]:
    """Return the paths of tracks from a folder, or from that of the music."""
    if folder is None:
        return [printable(str(name)) for name in rows["name"]]
    return [printable(static_widgets.relative_path(path, folder)) for path in rows["path"]]


def check_page_size(rows: pd.DataFrame, audio: str) -> None:
    """Refuse audio that could never fit into a page, before anything is decoded; FigureError says what would fit."""
    seconds = rows["duration"].fillna(0)
    clips = page_audio.CLIP_BYTES * float(seconds.clip(upper=page_audio.CLIP).sum())
    wanted = {"link": 0.0, "embed": page_audio.BYTES * float(seconds.sum()), "clips": clips}
    if wanted[audio] <= MAX_BYTES:
        return
    smaller = [f"audio={how!r} ({wanted[how] / 2**20:.0f} MB)" for how in ("clips", "link") if wanted[how] < MAX_BYTES]
    raise FigureError(
        f"The sound of {plural(len(rows), 'track')} would take at least {wanted[audio] / 2**20:,.0f} MB in the page, "
        f"and few browsers open more than {MAX_BYTES // 2**20}: choose {' or '.join(smaller)}, or fewer tracks."
    )
