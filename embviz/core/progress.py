"""Telling how far a long step has come: bars on a terminal and in Jupyter, lines in a pipe.

Conventions: a report is ``(stage, done, total)``. A stage is a short text such as ``"decoding rock.ogg"``; it begins
with its first report and ends when `done` reaches `total`. A `total` of 0 means that the end is not known. A stage may
carry figures that change: ``"embedding 12 of 340 tracks · 4 min left"`` stays the same stage, whatever the counts
(where they are `done` and `total`) and what stands behind the first `` · ``. Progress goes to stderr, so that what a
command prints can be piped.
"""

from __future__ import annotations

import contextlib
import html
import io
import math
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from embviz.core.notebook import in_jupyter, publish
from embviz.core.text import collapse_spaces

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

Report: TypeAlias = Callable[[str, int, int], None]
Progress: TypeAlias = bool | Report | None

SHOW_EVERY = 0.1  # seconds between two pictures of bars below a cell
CELL = 100  # letters of such a line
LINE_EVERY = 60.0  # seconds between two lines of a stage whose figures change


@contextlib.contextmanager
def reporter(progress: Progress) -> Iterator[Report]:
    """Give the function that reports are made to, as ``report(stage, done, total)``.

    None or False reports nothing; True shows bars on a terminal and in Jupyter and prints lines elsewhere; a callable
    is given the reports as they are.
    """
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda *_: None
    elif in_jupyter():
        bars = _CellBars()
        try:
            yield bars
        finally:
            bars.show()
    elif sys.stderr.isatty():
        with contextlib.ExitStack() as stack:
            yield _Bars(stack)
    else:
        yield _Lines()


def say(sentence: str) -> None:
    """Show a sentence where progress goes: below the running cell of a notebook, on stderr elsewhere."""
    if in_jupyter():
        publish({"text/plain": sentence})
    else:
        print(sentence, file=sys.stderr, flush=True)


@contextlib.contextmanager
def interruption_note(describe: Callable[[], str]) -> Iterator[None]:
    """Add a sentence to the KeyboardInterrupt that ends what is inside: what of it is kept, and how to go on.

    A traceback ends with it, in Jupyter too, and the shell says it in place of its own. Of such steps one within the
    other, the innermost knows best.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not getattr(interrupt, "__notes__", ()):
            interrupt.add_note(describe())
        raise


class _Lines:
    """Prints one line when a stage begins and one when it ends, and one a minute where its figures change."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[str, float]] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        name, text, now = _name(stage, done, total), collapse_spaces(stage), time.monotonic()
        if 0 < total <= done:
            self._begun.pop(name, None)
            print(f"{text}: done", file=sys.stderr, flush=True)
            return
        said, when = self._begun.get(name, ("", -LINE_EVERY))
        if said != text and now - when >= LINE_EVERY:
            self._begun[name] = text, now
            print(f"{text} …", file=sys.stderr, flush=True)


class _Bars:
    """Keeps one bar per stage; nothing is shown before there is something to report."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._tasks: dict[str, TaskID] = {}

    @cached_property
    def _bars(self) -> Bars:
        return self._stack.enter_context(_bars())

    def __call__(self, stage: str, done: int, total: int) -> None:
        name, text = _name(stage, done, total), collapse_spaces(stage)
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(text, total=total or None)
        task = self._tasks[name]
        if self._bars.tasks[task].finished and done < total:
            self._bars.reset(task)
        self._bars.update(task, description=text, completed=done, total=total or None)


class _CellBars(_Bars):
    """The same below a cell, as text: rich would show a widget, of which nothing is left in a saved notebook."""

    def __init__(self) -> None:
        super().__init__(contextlib.ExitStack())
        self._output = f"embviz-progress-{uuid.uuid4().hex}"
        self._shown = -math.inf

    @cached_property
    def _bars(self) -> Bars:
        return _bars()  # which are never started, and so show nothing by themselves

    def __call__(self, stage: str, done: int, total: int) -> None:
        super().__call__(stage, done, total)
        if time.monotonic() - self._shown >= SHOW_EVERY:
            self.show()

    def show(self) -> None:
        """Show the bars as they are, where there are some."""
        from rich.console import Console

        if not self._tasks:
            return
        # The page's own colours: those of rich are for a dark terminal.
        console = Console(file=io.StringIO(), record=True, width=CELL, force_jupyter=False)
        console.print(self._bars.get_renderable())
        text = console.export_text().rstrip()
        markup = f'<pre style="margin: 0; line-height: 1.3">{html.escape(text)}</pre>'
        publish({"text/html": markup, "text/plain": text}, self._output, update=self._shown > -math.inf)
        self._shown = time.monotonic()


def _name(stage: str, done: int, total: int) -> str:
    """Return what stays of a stage while its figures change."""
    return collapse_spaces(stage.partition(" · ")[0].replace(f"{done:,} of {total:,} ", ""))


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    # Stage names hold file names: their square brackets are no markup.
    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), TaskProgressColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    # What is printed to a pipe meanwhile must go there, and not above the bars.
    return Progress(*columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty())
