"""Print environment.yml, made from pyproject.toml: ``make environment`` writes it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

HEAD = """\
# Made from pyproject.toml by `make environment`.
# The conda way to the same install:  conda env create -f environment.yml && conda activate embviz
name: embviz
channels:
  - conda-forge
dependencies:
"""


def main() -> None:
    """Print the environment: the oldest supported Python, and what pip installs."""
    python = re.search(r">=([\d.]+)", PROJECT["requires-python"])
    if python is None:
        raise SystemExit("requires-python names no oldest version.")
    packages = [*PROJECT["dependencies"], "-e ."]
    lines = [f"- python={python[1]}", "- pip", "- pip:", *(f'    - "{package}"' for package in packages)]
    print(HEAD + "\n".join(f"  {line}" for line in lines))


if __name__ == "__main__":
    main()
