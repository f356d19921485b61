"""``python -m benchmarks``: measure, keep what was found, and show it in the documentation."""

from __future__ import annotations

import argparse
import ast
import json
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import DOCUMENTS, NAMES, RESULTS, ROOT
from benchmarks.machine import OtherWork, describe_machine
from benchmarks.measuring import NotMeasured, Options
from benchmarks.tables import Table, caption, fill, load_results, markdown, to_json
from embviz import __version__
from embviz.core.io import write_bytes


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure embviz beside what others give, all of it or what is named."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks; all of them by default")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: to see that it works")
    parser.add_argument("--rounds", type=int, help="how often each way is measured")
    parser.add_argument("--before", type=Path, metavar="PATH", help="checkout of an earlier commit, measured beside")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the tables here, beside those that it has")
    parser.add_argument(
        "--readme",
        action="store_true",
        help=f"keep them in {RESULTS.name}, and write {' and '.join(DOCUMENTS)} from it",
    )
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    if asked.rounds is not None and asked.rounds < 1:
        parser.error(f"--rounds is at least 1, {asked.rounds} was found")
    if asked.before and not (asked.before / "embviz" / "__init__.py").exists():
        parser.error(f"--before is a folder with the package embviz in it, {str(asked.before)!r} was found")
    if asked.readme and asked.quick:
        parser.error("--quick measures nothing that README could show; leave out one of both")
    return asked


def describe(name: str) -> str:
    """Return the first line of what a benchmark says of itself."""
    source = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return the tables of a benchmark, by name, with machine, date and version."""
    module, other = import_module(f"benchmarks.{name}"), OtherWork()
    tables: list[Table] = module.measure(options)
    where = {
        "machine": describe_machine() + other.describe(),
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    return {table.name: to_json(table) | where for table in tables}


def keep(path: Path, tables: dict[str, Any]) -> None:
    """Put tables into a file beside those that it has."""
    found = load_results(path) | tables
    write_bytes(path, (json.dumps(dict(sorted(found.items())), indent=1, ensure_ascii=False) + "\n").encode())


def write_documents() -> None:
    """Write the tables of the results into README, which has a short one, and into the page of all."""
    for document in (ROOT / name for name in DOCUMENTS):
        write_bytes(document, fill(document.read_text(encoding="utf-8"), load_results(RESULTS)).encode())


def main(arguments: list[str] | None = None) -> int:
    """Measure what was asked for; returns the code that the process ends with."""
    asked = parse_arguments(arguments)
    if asked.list:
        for name in NAMES:
            print(f"{name:16}{describe(name)}")
        return 0
    options = Options(quick=asked.quick, rounds=asked.rounds, before=asked.before and asked.before.resolve())
    failed = 0
    for name in asked.names or NAMES:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            found = measure(name, options)
        except NotMeasured as reason:
            print(f"## {name}\n\nNot measured: {reason}.\n", flush=True)
            failed += 1
            continue
        for title, table in found.items():
            print(f"## {title}\n\n{markdown(table)}\n\n{caption(table)}\n", flush=True)
        for path in filter(None, (asked.json, RESULTS if asked.readme else None)):
            keep(path, found)
    if asked.readme:
        write_documents()
    return int(failed > 0 and failed == len(asked.names or NAMES))


if __name__ == "__main__":
    sys.exit(main())
