"""The command line."""

from embviz.cli.commands import main, run

__all__ = ["main", "run"]
