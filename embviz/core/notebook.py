"""The kernel of a notebook: whether this is one, and what it shows below a cell."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def in_jupyter() -> bool:
    """Tell whether this is the kernel of a notebook."""
    return "IPython" in sys.modules and type(shell()).__name__ == "ZMQInteractiveShell"


def shell() -> Any:
    """Return IPython's shell, or None."""
    return sys.modules["IPython"].get_ipython()


def publish(data: Mapping[str, Any], name: str = "", *, update: bool = False) -> None:
    """Show an output, by media types, below the running cell; one with a name can be replaced from any cell."""
    transient = {"transient": {"display_id": name}} if name else {}
    shell().display_pub.publish(data=data, metadata={}, update=update, **transient)
