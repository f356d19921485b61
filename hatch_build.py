"""Make the long description of README: on a package index, links and pictures lead to the tag of the version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?P<before>\]\()(?P<path>(?!https?:|#|mailto:)[^)\s]+)(?=\))")
_PICTURE = re.compile(r'(?P<before>\b(?:src|srcset)=")(?P<path>(?!https?:)[^"]+)(?=")')


def describe(readme: str, homepage: str, version: str) -> str:
    """Return README with absolute addresses below the project's page, at the tag of the version."""

    def absolute(kind: str) -> Any:
        return lambda found: f"{found['before']}{homepage}/{kind}/v{version}/{found['path']}"

    return _PICTURE.sub(absolute("raw"), _LINK.sub(absolute("blob"), readme))


class Description(MetadataHookInterface):
    """The long description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set it; called by hatchling."""
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = describe(readme, metadata["urls"]["Homepage"], metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
