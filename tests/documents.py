"""The documents of the repository, and their code.

A fenced block is run as it stands: Python in the names of its page, from top to bottom, cells of the site included;
commands of embviz in a folder with ``song.ogg`` and the folder ``music``. A comment right above a block says why it is
not run, or which test runs it.
"""

from __future__ import annotations

import io
import re
import shlex
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embviz.cli import run

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>not run: |run by )(?P<said>.+) -->\n)?^```(?P<language>.*)\n(?P<code>(?:.*\n)*?)^```$",
    flags=re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    code: str
    reason: str = ""
    test: str = ""

    @property
    def runs(self) -> bool:
        """Whether it is run with its page."""
        return self.language in {"python", "sh"} and not (self.reason or self.test)

    @property
    def commands(self) -> list[list[str]]:
        """The words of each line of a shell block."""
        return [shlex.split(line) for line in self.code.splitlines()] if self.language == "sh" else []


@dataclass
class Ran:
    """What a page has left behind: its names, and what it has printed."""

    names: dict[str, Any] = field(default_factory=dict)
    printed: str = ""


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [
        Block(
            "python" if block["language"].startswith("{code-cell}") else block["language"],
            block["code"],
            reason=block["said"] if block["mark"] == "not run: " else "",
            test=block["said"] if block["mark"] == "run by " else "",
        )
        for block in found
    ]


def furnish(folder: Path) -> None:
    """Put what commands name into the folder that they are run in."""
    shutil.copy(ROOT / "sample_audio" / "rock.ogg", folder / "song.ogg")
    (folder / "music").mkdir()
    for path in (ROOT / "sample_audio").glob("[!.]*.*"):
        if path.suffix in {".ogg", ".mp3"}:
            shutil.copy(path, folder / "music")


def run_page(page: Path) -> Ran:
    """Run the blocks of a page in the working folder."""
    ran, printed = Ran({"__name__": page.stem}), io.StringIO()
    with redirect_stdout(printed):
        for block in (block for block in blocks(page) if block.runs):
            if block.language == "python":
                exec(compile(block.code, page.name, "exec"), ran.names)  # noqa: S102  our own page
            for command in block.commands:
                if command[0] == "embviz":
                    assert run(command[1:]) == 0, command
                else:
                    assert command[0] == "make", f"{command}: say above the block why it is not run"
    ran.printed = printed.getvalue()
    return ran
