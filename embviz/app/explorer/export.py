"""The rows of an Explorer as a page that needs no kernel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embviz.app.citations import cite
from embviz.app.explorer.context import ExplorerContext
from embviz.app.explorer.heatmap_rows import HeatmapRows
from embviz.app.explorer.row import LOOK, Row
from embviz.app.uploads import free_path, safe_name
from embviz.audio import Audio
from embviz.core.embedding import Embedding
from embviz.core.io import write_bytes
from embviz.core.worker import Job
from embviz.errors import OptionError
from embviz.export import track_page
from embviz.export.static_widgets import without_comm
from embviz.widgets.curves import Curves


def write_page(
    path: str | Path, context: ExplorerContext, heatmaps: HeatmapRows, more: Sequence[track_page.PageRow],
    **options: Any,
) -> Path:  # fmt: skip
    """Write the rows, and `more` below them, to a page; see :func:`embviz.export.track_page.write_track_page`."""
    sound, contents, usual = _page_contents(context, heatmaps, more)
    return track_page.write_track_page(path, sound, contents, **{**usual, **options})


def _page_contents(
    context: ExplorerContext, heatmaps: HeatmapRows, more: Sequence[track_page.PageRow]
) -> tuple[Audio, list[Any], dict[str, Any]]:
    """Return what a page of the rows as they are is made of: its sound, its plots and its options."""
    if context.sound is None:
        raise OptionError("No track is open; open one, then write the page.")
    contents: list[Any] = []
    for row in heatmaps.rows:
        if row.embedding is not None:
            look = {name: value for name, value in row.to_state().items() if name in LOOK}
            contents.append(track_page.PageRow(row.embedding, options=look))
            if row.answer.embedding is not None:
                contents.append(_head_curves(row, row.answer.embedding))
        elif not context.given.is_here(row.model, row.layer):
            contents.append(track_page.missing_row(row.model))
    contents += more
    track = context.sound.track
    usual = {"sections": track.sections, "title": track.title or None, "details": track.facts}
    return context.sound.audio, contents, usual


def _head_curves(row: Row, answers: Embedding) -> track_page.PageRow:
    """Return what stands on a page below a row with a head: its curves, as they are now."""
    look = {name: getattr(row.answer.view, name) for name in ("top", "threshold", "pins")}
    facts = (f"what a classifier says of {answers.model} / {row.layer}",)
    curves = without_comm(Curves).of(answers, title="", **look)
    return track_page.PageRow(curves, answers.layer, facts, embedding=answers)


def save_citations(context: ExplorerContext, used: Sequence[Any]) -> None:
    """Have BibTeX of what is to be cited written into the working folder, under a name that is free."""
    path = free_path(Path.cwd() / "references.bib")

    def task(_job: Job) -> Path:
        write_bytes(path, f"{cite(*used)}\n".encode())
        return path

    context.aside.submit(("citations",), task, on_done=context.notice_written, on_failed=context.show_error)


def start_export(context: ExplorerContext, heatmaps: HeatmapRows, more: Sequence[track_page.PageRow]) -> None:
    """Have the page written into the working folder, under a name that is free."""
    # Collected now: another track may be open when its turn comes.
    sound, contents, options = _page_contents(context, heatmaps, more)
    path = free_path(Path.cwd() / f"{safe_name(Path(sound.title).stem) or 'embviz'}.html")

    def task(job: Job) -> Path:
        def report(stage: str, done: int, total: int) -> None:
            job.report(f"writing {path.name}: {stage}", done, total)

        return track_page.write_track_page(path, sound, contents, report=report, **options)

    context.worker.submit(
        ("export",), task, on_done=context.notice_written, on_failed=context.show_error, on_progress=context.busy
    )
