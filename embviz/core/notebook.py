"""The kernel of a notebook: whether this is one, and what it shows below a cell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any


def in_jupyter() -> bool:
    """Tell whether this is the kernel of a notebook."""
    return "IPython" in sys.modules and type(shell()).__name__ == "ZMQInteractiveShell"


def is_unattended() -> bool:
    """Tell whether a program runs the cell, such as nbconvert, for a notebook that is read later.

    Such a program cannot be asked. Voilà runs notebooks in this way too, but shows them alive.
    """
    asked = shell().get_parent().get("content", {}).get("allow_stdin", True)
    return not asked and not os.environ.get("SERVER_SOFTWARE", "").startswith("voila")


def shell() -> Any:
    """Return IPython's shell, or None."""
    return sys.modules["IPython"].get_ipython()


def publish(data: Mapping[str, Any], name: str = "", *, update: bool = False, alt: str = "") -> None:
    """Show an output, by media types, below the running cell; one with a name can be replaced from any cell.

    `alt` says in words what a PNG shows; nbconvert's classic pages and nbsphinx take it from here.
    """
    transient = {"transient": {"display_id": name}} if name else {}
    metadata = {"image/png": {"alt": alt}} if alt else {}
    shell().display_pub.publish(data=data, metadata=metadata, update=update, **transient)


def show_or_print(shown: object, views: Callable[[], Iterable[Any]]) -> None:
    """Show the views of an object below the running cell of a notebook; elsewhere, print the object."""
    if not in_jupyter():
        print(shown)
        return
    from IPython.display import display

    for view in views():
        display(view)  # type: ignore[no-untyped-call]


def running_cell() -> Callable[[], AbstractContextManager[Any]]:
    """Return what makes later calls a part of the cell that runs now, where a notebook needs that.

    marimo takes new widgets from cells alone, and ends them with their cell; what threads hand over and what a page
    asks for comes when none runs.
    """
    contexts = sys.modules.get("marimo._runtime.context")
    context = None if contexts is None else contexts.safe_get_context()
    if context is None or context.cell_id is None:
        return nullcontext
    return partial(context.with_cell_id, context.cell_id)
