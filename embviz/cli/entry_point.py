"""The command line.

Conventions: results go to stdout, progress and complaints to stderr. Exit codes: 0 all done; 1 something could not be
done, said in a sentence each; 2 the command was not understood; 130 interrupted.
"""

# Click, not Typer: it needs nothing else, starts sooner, and its usage errors stay one plain line in a pipe.

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from embviz import __version__
from embviz.cli.cache_commands import cache
from embviz.cli.console import say
from embviz.cli.doctor import doctor
from embviz.cli.embed_command import embed
from embviz.cli.model_commands import cite, heads, models, pull, register
from embviz.cli.page_commands import poster, report
from embviz.errors import EmbvizError


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # File names may hold what the terminal's encoding, or any encoding, lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = int(cli.main(arguments, prog_name="embviz", standalone_mode=False) or 0)
            sys.stdout.flush()
            return code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except EmbvizError as error:
        say(error)
        return 1
    except BrokenPipeError:
        # Who read our output has gone; what Python still holds must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        place = f"{str(error.filename)!r}: " if error.filename else ""
        say(f"{place}{error.strerror or error}.")
        return 1


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"warning: {message}")


class Commands(click.Group):
    """The commands; Ctrl-C ends any of them with one line."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt as interrupt:
            print(end="\n" if sys.stderr.isatty() else "", file=sys.stderr)  # the terminal has echoed ^C
            say(next(iter(getattr(interrupt, "__notes__", ())), "Interrupted."))
            context.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Show what Essentia's deep audio models compute."""


for command in (cache, cite, doctor, embed, heads, models, poster, pull, register, report):
    cli.add_command(command)
