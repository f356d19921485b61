"""Tables of what was measured: as JSON, as Markdown, and between the marks of documents."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Figure:
    """A value with its unit, the least and the greatest of the rounds."""

    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        scale, unit = _SCALES.get(self.unit, _unscaled)(self.value)
        text = f"{_digits(self.value / scale)}{unit}"
        # The spread of a ratio says how sure it is; that of each time would fill the table.
        if self.unit == "×" and self.low is not None and self.high is not None:
            text += f" ({_digits(self.low)}–{_digits(self.high)})"
        return text


_MOST_OF_A_CELL = 24  # characters; a longer text is a sentence

Cell: TypeAlias = Figure | str | None  # str: why there is no figure, or a word


@dataclass
class Table:
    """What a benchmark found.

    Parameters
    ----------
    name : str
        Name of the benchmark, where it has several tables with a word after a hyphen.
    columns : list of str
        Headings, that of the rows' labels first.
    rows : dict of str to list
        Cells by the label of their row.
    note : str
        How it was measured, in a few words.
    """

    name: str
    columns: list[str]
    note: str
    rows: dict[str, list[Cell]] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return it as Markdown."""
        return markdown(to_json(self))


def to_json(table: Table) -> dict[str, Any]:
    """Return a table as what JSON can hold."""
    rows = {label: [_cell_to_json(cell) for cell in cells] for label, cells in table.rows.items()}
    return {"columns": table.columns, "rows": rows, "note": table.note}


def _cell_to_json(cell: Cell) -> Any:
    return (
        {key: value for key, value in asdict(cell).items() if value is not None} if isinstance(cell, Figure) else cell
    )


def _cell_text(cell: Any) -> str:
    text = str(Figure(**cell)) if isinstance(cell, Mapping) else "–" if cell is None else str(cell)
    return text.replace("|", "\\|")


def published(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table as documents show it: without an earlier commit, and with its longer texts apart."""
    reasons: list[str] = []

    def shown(cell: Any) -> Any:
        if isinstance(cell, str) and len(cell) > _MOST_OF_A_CELL:
            reasons.append(cell)
            return None
        return cell

    earlier = [column.startswith("before") or column.endswith(" / before") for column in table["columns"]]
    kept = [i for i, is_earlier in enumerate(earlier) if not is_earlier]
    rows = {
        label: [shown(cells[i - 1]) for i in kept[1:]] for label, cells in table["rows"].items() if label != "before"
    }
    return {**table, "columns": [table["columns"][i] for i in kept], "rows": rows, "reasons": reasons}


def markdown(table: Mapping[str, Any]) -> str:
    """Return a table that came from JSON as Markdown."""
    lines = [table["columns"], ["---"] * len(table["columns"])]
    lines += [[label, *map(_cell_text, cells)] for label, cells in table["rows"].items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def caption(table: Mapping[str, Any]) -> str:
    """Return where and when a table was measured, as a line of Markdown."""
    return f"*{table['note']}. {table['machine']}; embviz {table['version']}, {table['date']}.*"


def load_results(path: Path) -> dict[str, Any]:
    """Return the tables of a file by name; none where there is no file."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


#: The rows of the short table in README: its label, the table and row it is taken from, and the columns there of the
#: recipe, of embviz, and of their ratio.
_SUMMARY = (
    ("MusiCNN, a minute of audio", "extraction", "MusiCNN", ("recipe", "`onnx`", "recipe / `onnx`")),
    ("VGG-I, a minute of audio", "extraction", "VGG-I", ("recipe", "`onnx`", "recipe / `onnx`")),
    (
        "Tempo-CNN, a minute of audio",
        "extraction",
        "Tempo-CNN (`deepsquare-k8`)",
        ("recipe", "`onnx`", "recipe / `onnx`"),
    ),
    (
        "these three with their outputs, a minute of audio",
        "several_models",
        "MusiCNN + VGG-I + Tempo-CNN, embeddings and outputs",
        ("recipes", "`onnx`", "recipes / `onnx`"),
    ),
    ("MusiCNN every 0.1 s, a minute of audio", "dense_hop", "MusiCNN", ("Essentia", "`onnx`", "Essentia / `onnx`")),
    ("MusiCNN, hours of a collection in a minute", "collection", "MusiCNN", ("loop", "1 process", "1 / loop")),
)


def summary(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the short table of README, made of full ones; none if nothing of it was measured."""
    rows, used = {}, []
    for label, name, row, columns in _SUMMARY:
        table = results.get(name)
        if table and row in table["rows"] and set(columns) <= set(table["columns"]):
            rows[label] = [table["rows"][row][table["columns"].index(column) - 1] for column in columns]
            used.append(table)
    if not used:
        return None
    note = "embviz with ONNX Runtime and an empty cache"
    same = {key: ", ".join(dict.fromkeys(table[key] for table in used)) for key in ("version", "date")}
    columns = ["", "official recipe", "embviz", "ratio"]
    return {"columns": columns, "rows": rows, "note": note, "machine": used[0]["machine"]} | same


def headline(results: Mapping[str, Any]) -> str:
    """Return the short table as a sentence; empty if something of it was not measured."""
    short = summary(results)
    if short is None or len(short["rows"]) < len(_SUMMARY):
        return ""
    ratios = {label: _digits(cells[2]["value"]) for label, cells in short["rows"].items()}
    musicnn, vgg, tempo, several, _, hours = (label for label, *_ in _SUMMARY)
    return (
        f"On {short['machine'].partition(',')[0]}, embviz with ONNX Runtime is {ratios[musicnn]} times as fast as the "
        f"official recipe for MusiCNN, {ratios[vgg]} times for VGG-I, {ratios[tempo]} times for Tempo-CNN, and "
        f"{ratios[several]} times for all three with their outputs in one call. In a minute, MusiCNN goes through "
        f"{_digits(short['rows'][hours][1]['value'])} hours of a collection."
    )


def fill(text: str, results: Mapping[str, Any]) -> str:
    """Return a document's text with the tables of some results between the marks that name them."""
    tables, sentence = {**results, "summary": summary(results)}, headline(results)

    def write(mark: re.Match[str]) -> str:
        text = sentence if mark[1] == "headline" else ""
        if tables.get(mark[1]):
            table = published(tables[mark[1]])
            text = "\n\n".join(
                [markdown(table), *(f"Missing (–): {reason}" for reason in table["reasons"]), caption(table)]
            )
        text = text or f"*Not measured yet: {mark[1]}.*"
        return f"<!-- benchmarks:{mark[1]} -->\n{text}\n<!-- /benchmarks -->"

    return re.sub(r"<!-- benchmarks:([\w-]+) -->\n.*?<!-- /benchmarks -->", write, text, flags=re.DOTALL)


# How figures are written. ---------------------------------------------------------------------------------------------


def _digits(value: float) -> str:
    """Return a value with three significant digits, or all before the point."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def _unscaled(_: float) -> tuple[float, str]:
    return 1.0, ""


def _seconds(value: float) -> tuple[float, str]:
    return (1e-3, " ms") if value < 0.1 else (1.0, " s")


def _bytes(value: float) -> tuple[float, str]:
    return (1e9, " GB") if value >= 1e9 else (1e6, " MB") if value >= 1e5 else (1e3, " kB")


_SCALES = {"s": _seconds, "B": _bytes} | {
    unit: (lambda _, text=text: (1.0, text))
    for unit, text in (
        ("×", " ×"),
        ("%", " %"),
        ("GFLOP/s", " GFLOP/s"),
        ("GFLOP", " GFLOP"),
        ("h/min", ""),
        ("fps", " fps"),
    )
}
