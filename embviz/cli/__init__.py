"""The command line."""

from embviz.cli.entry_point import main, run

__all__ = ["main", "run"]
