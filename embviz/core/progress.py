"""Telling how far a long step has come: bars on a terminal and in Jupyter, lines in a pipe.

Conventions: a report is ``(stage, done, total)``. A stage is a short text such as ``"decoding rock.ogg"``; it begins
with its first report and ends when `done` reaches `total`. A `total` of 0 means that the end is not known. A stage may
carry figures that change: ``"embedding 12 of 340 tracks · 4 min left"`` stays the same stage, whatever the counts
(where they are `done` and `total`) and what stands behind the first `` · ``. Progress goes to stderr, so that what a
command prints can be piped.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from embviz.core.text import collapse_spaces

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

Report: TypeAlias = Callable[[str, int, int], None]
Progress: TypeAlias = bool | Report | None

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
    elif sys.stderr.isatty() or in_jupyter():
        with contextlib.ExitStack() as stack:
            yield _Bars(stack)
    else:
        yield _Lines()


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
        if 0 < total <= done and self._bars.console.is_jupyter:
            self._bars.refresh()  # there, nothing is drawn any more when the bars are stopped


def _name(stage: str, done: int, total: int) -> str:
    """Return what stays of a stage while its figures change."""
    return collapse_spaces(stage.partition(" · ")[0].replace(f"{done:,} of {total:,} ", ""))


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    # Stage names hold file names: their square brackets are no markup.
    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), TaskProgressColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    if in_jupyter():
        return Progress(*columns)
    # What is printed to a pipe meanwhile must go there, and not above the bars.
    return Progress(*columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty())


def in_jupyter() -> bool:
    """Tell whether this is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"
