"""Stills: what a view leaves in the notebook, to be seen where no kernel makes it live.

A cell that shows a view has three outputs: the view, a caption (HTML) and a picture (PNG). A style sheet in the caption
shows the latter two only where the view is not alive: in a notebook that was opened again, in a page by nbconvert, on
GitHub. They are outputs of their own, since JupyterLab draws a view anew whenever something in its output changes; they
follow the view at the end of each cell, and between cells. A program that runs a notebook takes what a cell says while
it runs and nothing else: whatever has followed between two cells is said again at the end of the next.
"""

from __future__ import annotations

import asyncio
import base64
import html
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embviz.core.notebook import in_jupyter, is_unattended, publish, shell
from embviz.core.text import clean_line, shorten
from embviz.core.worker import guard, log

if TYPE_CHECKING:
    from embviz.plotting.picture import Drawing


FOLLOW_EVERY = 2.0  # seconds between two stills while a view changes
PATIENCE = 120.0  # seconds for which the cells of a notebook that a program runs wait for one view, all together
MOST_LINES = 12
LIVE = "A view of embviz. Run the cell to make it live."
HOW_TO = "This is a still of the view. Run the cell to make it live."

# What stands in the place of a picture, which may come later.
NOTHING = {"text/html": '<i class="embviz-no-picture"></i>', "text/plain": ""}

# Of the outputs of one cell, the first is the view, the next two are its still. What shows a view that has no model
# says so in plain text; it makes room for the still. Readers that take style sheets out see all there is.
STYLE = """
.jp-OutputArea-child:has(.embviz) + .jp-OutputArea-child:has(.embviz-still),
.jp-OutputArea-child:has(.embviz) + .jp-OutputArea-child:has(.embviz-still) + .jp-OutputArea-child:has(img),
.jp-OutputArea-child:has(+ .jp-OutputArea-child .embviz-still):not(:has(.jp-OutputArea-output > :not(pre)))
{ display: none; }
.jp-OutputArea-child:has(.embviz-no-picture) { display: none; }
.embviz-still p { margin: 0 0 4px; }
.embviz-still p:last-child { opacity: 0.7; }
""".strip()


@dataclass(frozen=True)
class Still:
    """What a view shows, as text and as a picture."""

    title: str
    lines: tuple[str, ...] = ()  # the state of the view
    draw: Drawing | None = None
    key: Any = None  # is another one where the picture is
    table: str = ""  # more of it, as safe HTML

    def caption(self) -> dict[str, str]:
        """Return the caption by media types."""
        lines = [shorten(line) for line in self.lines[:MOST_LINES]]
        title = clean_line(self.title)
        body = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
        markup = f'<div class="embviz-still"><p><b>{html.escape(title)}</b></p>{body}{self.table}<p>{HOW_TO}</p></div>'
        return {"text/html": f"<style>{STYLE}</style>{markup}", "text/plain": "\n".join([title, *lines, HOW_TO])}

    @property
    def alt(self) -> str:
        """What the picture shows, in words."""
        return ". ".join([clean_line(self.title), *[shorten(line) for line in self.lines[:MOST_LINES]]])

    def picture(self) -> dict[str, str]:
        """Return the picture by media types; empty where there is none."""
        from embviz.plotting.picture import small_png

        if self.draw is None:
            return {}
        return {"image/png": base64.b64encode(small_png(self.draw)).decode(), "text/plain": clean_line(self.title)}


class StillOutputs:
    """The outputs of the cells that show one view."""

    def __init__(
        self,
        view: Callable[[], dict[str, Any]],
        make: Callable[[], Still],
        wait: Callable[[float], object] = lambda _seconds: None,
    ) -> None:
        self._view, self._make, self._wait = view, make, wait
        self._names = [f"embviz-still-{uuid.uuid4().hex}" for _ in range(2)]
        self._shown: Still | None = None
        self._kept: Still | None = None  # the one that programs have, too
        self._changed = self._waiting = self._connected = self._closed = False
        self._last = 0.0
        self._patience = PATIENCE

    def bundle(self) -> dict[str, Any]:
        """Return the view and its still as one output, by media types."""
        if self._closed:
            return self._view()
        still = self._make()
        return {**still.picture(), **still.caption(), **self._live_view()}

    def display(self) -> None:
        """Show the view, and its still as it is now.

        Raises NotImplementedError, upon which IPython shows :meth:`bundle`, where that serves better: on a terminal,
        and in VS Code, which takes another media type of the same output where a view is not alive.
        """
        if self._closed or not in_jupyter() or "__vsc_ipynb_file__" in shell().user_ns:
            raise NotImplementedError
        still, view = self._make(), self._live_view()
        self._shown = self._kept = still
        self._changed, self._last = False, time.monotonic()
        publish(view)
        publish(still.caption(), self._names[0])
        self._publish_picture(still)
        if not self._connected:
            # At the end of a cell, so that it is there even where no page is open, and cells follow each other.
            shell().events.register("post_run_cell", self._end_cell)
            self._connected = True

    def _live_view(self) -> dict[str, Any]:
        """Return the view; what a notebook keeps of it as text says no state, since it stays as it is."""
        return {**self._view(), **({"text/plain": LIVE} if in_jupyter() else {})}

    def touch(self) -> None:
        """Have the still follow soon: the view has changed."""
        if self._shown is None or self._closed:
            return
        self._changed = True
        if self._waiting:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._waiting = True
        loop.call_later(max(0.0, self._last + FOLLOW_EVERY - time.monotonic()), self._follow)

    def close(self) -> None:
        """Leave the still as it is."""
        self._closed, self._changed = True, False
        if self._connected:
            shell().events.unregister("post_run_cell", self._end_cell)
            self._connected = False

    def _end_cell(self, _result: Any = None) -> None:
        """Bring the still up to the view, as the last thing that a cell does."""
        with _guard():
            if self._patience > 0 and is_unattended():
                # Nobody sees the view change, and what is not there when the last cell ends never will be.
                began = time.monotonic()
                self._wait(self._patience)
                self._patience -= time.monotonic() - began
            if self._kept is not None and (self._changed or self._kept is not self._shown):
                self._kept = self._update(self._kept)

    def _follow(self) -> None:
        self._waiting = False
        with _guard():
            if self._shown is not None and self._changed:
                self._update(self._shown)

    def _update(self, before: Still) -> Still:
        """Show a still of the view as it is now, where that differs from the one before, and return it."""
        self._changed, self._last = False, time.monotonic()
        still = self._make()
        if (still.title, still.lines, still.table) != (before.title, before.lines, before.table):
            publish(still.caption(), self._names[0], update=True)
        if (still.title, still.key) != (before.title, before.key):
            self._publish_picture(still, update=True)
        self._shown = still
        return still

    def _publish_picture(self, still: Still, *, update: bool = False) -> None:
        picture = still.picture()
        publish(picture or NOTHING, self._names[1], update=update, alt=still.alt if picture else "")


def _guard() -> AbstractContextManager[None]:
    """Go on where a still cannot be made: the view itself is not hurt."""
    return guard(lambda sentence, _remedy: log.debug("A still could not be made: %s", sentence))
