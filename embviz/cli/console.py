"""What all commands share: options, and printing to a terminal or to a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)

ENGINES = ("auto", "essentia", "onnx")  # those of embviz.extraction, which takes its time to load

engine_option = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="What runs the networks: Essentia's TensorFlow, or ONNX Runtime, faster, with other last bits.",
)
follow_links_option = click.option(
    "--follow-links", is_flag=True, help="Of a folder: enter the folders in it that are links, each once."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def say(message: object) -> None:
    """Print a sentence to stderr, on one line."""
    print(f"embviz: {' '.join(str(message).split())}", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
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


def format_size(count: float) -> str:
    """Return a number of bytes as text."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"
