"""The table of an evaluation as HTML for a notebook and as LaTeX for a paper.

The layout is that of the poster: tasks in rows, models in columns, each with the accuracy in cross-validation ("5
folds"), that for the other collection ("ext.") and the drop between the two; the best of a row is shaded light grey (in
cross-validation) and medium grey (ext.). A single task has the models in its rows instead.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from embviz.core.text import clean_line, plural
from embviz.evaluation.table_data import NONE

BASELINES = ("majority", "chance", "mean", "median")
# Greys that darken a light page and lighten a dark one. JupyterLab stripes and right-aligns tables of its own accord.
# Names stay in sight of a wide table where the page tells its colour, which has to be behind them: elsewhere the
# length that is not there makes "left" void.
STYLE = Path(__file__).with_name("table.css")

# -- HTML ---------------------------------------------------------------------------------------------------------


def as_html(facts: dict[str, Any]) -> str:
    """Return the table as HTML for a notebook; whatever stands in it is shown as text."""
    if not facts["rows"]:
        return "<div>An evaluation of nothing: no cell has been computed.</div>"
    head, body = _by_model(facts) if len(facts["rows"]) == 1 else _by_task(facts)
    notes = [*facts["notes"], *_sources(facts)]
    listed = f"<ul>{''.join(f'<li>{_text(note)}</li>' for note in notes)}</ul>" if notes else ""
    return (
        f"<style>\n{STYLE.read_text('utf-8')}</style>"
        '<div class="embviz-tasks"><div class="scroll" tabindex="0" role="group" aria-label="Scores">'
        f'<table class="figures"><thead>{head}</thead><tbody>{body}</tbody></table></div>'
        f"<p>{_text(facts['caption'])}</p>{listed}</div>"
    )


def _by_task(facts: dict[str, Any]) -> tuple[str, str]:
    """Return head and body with tasks in rows."""
    kinds, baselines = _kinds(facts), _baseline_names(facts)
    baseline_kinds = [kind for kind in kinds if kind != "drop"]
    head = '<th class="name" rowspan="2" scope="col">task</th>'
    for column in facts["columns"]:
        first, *others = column["lines"]
        more = f'<span class="faint">{"".join(f"<br>{_text(line)}" for line in others)}</span>' if others else ""
        head += f'<th class="first" colspan="{len(kinds)}" scope="colgroup">{_text(first)}{more}</th>'
    for name in baselines:
        head += f'<th class="first faint" colspan="{len(baseline_kinds)}" scope="colgroup">{name}</th>'
    groups = [kinds] * len(facts["columns"]) + [baseline_kinds] * len(baselines)
    below = "".join(_headings(facts, group) for group in groups)
    body = ""
    for row in facts["rows"]:
        cells = [*row["cells"], *(_baseline(row, name) for name in baselines)]
        figures = "".join(_figures(cell, group, first=True) for cell, group in zip(cells, groups, strict=True))
        body += f'<tr class="task"><th class="name" scope="row">{_text(row["title"])}{_extent(row)}</th>{figures}</tr>'
        if row["published"]:
            heading = '<th class="name" scope="row"><span class="faint">published, 5 folds</span></th>'
            scores = " · ".join(f"{_text(one['model'])} {_text(one['accuracy'])}" for one in row["published"])
            body += f'<tr class="said">{heading}<td class="said" colspan="{sum(map(len, groups))}">{scores}</td></tr>'
    return f"<tr>{head}</tr><tr>{below}</tr>", body


def _by_model(facts: dict[str, Any]) -> tuple[str, str]:
    """Return head and body of a single task, with models in rows."""
    row, kinds = facts["rows"][0], _kinds(facts)
    wide = max((len(column["lines"]) for column in facts["columns"]), default=1)
    head = f'<th class="name" colspan="{wide}" scope="col">{_text(row["title"])}{_extent(row)}</th>'
    body = ""
    for column, cell in zip(facts["columns"], row["cells"], strict=True):
        classes = ["name", *["name faint"] * (len(column["lines"]) - 1)]
        lines = zip(classes, column["lines"], strict=True)
        headings = "".join(f'<th class="{name}" scope="row">{_text(line)}</th>' for name, line in lines)
        body += f'<tr class="task">{headings}{_figures(cell, kinds)}</tr>'
    others = [(baseline["name"], baseline) for baseline in row["baselines"]]
    others += [(f"{one['model']}, published", {"cv": one["accuracy"]}) for one in row["published"]]
    for name, cell in others:
        heading = f'<th class="name faint" colspan="{wide}" scope="row">{_text(name)}</th>'
        body += f'<tr class="task">{heading}{_figures(cell, kinds)}</tr>'
    return f"<tr>{head}{_headings(facts, kinds, first=False)}</tr>", body


def _kinds(facts: dict[str, Any]) -> list[str]:
    return ["cv", "external", "drop"] if facts["has_external"] else ["cv"]


def _headings(facts: dict[str, Any], kinds: Sequence[str], *, first: bool = True) -> str:
    classes = [_class("first" * (first and not i)) for i in range(len(kinds))]
    headings = zip(classes, kinds, strict=True)
    return "".join(f'<th{marked} scope="col">{facts["headings"][kind]}</th>' for marked, kind in headings)


def _figures(cell: dict[str, Any] | None, kinds: Sequence[str], *, first: bool = False) -> str:
    return "".join(_figure(cell or {}, kind, first=first and not i) for i, kind in enumerate(kinds))


def _figure(cell: dict[str, Any], kind: str, *, first: bool) -> str:
    best, hint, interval = (cell.get(name) for name in (f"best_{kind}", f"{kind}_hint", f"{kind}_interval"))
    classes = _class("first" * first, f"best {kind}" if best else "", "" if "accuracy" in cell else "faint")
    title = f' title="{_text(hint)}"' if hint else ""
    mark = '<span class="hidden"> best</span>' if best else ""
    small = f"<small>{interval}</small>" if interval else ""
    return f"<td{classes}{title}>{cell.get(kind, NONE).removesuffix(' %')}{mark}{small}</td>"


def _extent(row: dict[str, Any]) -> str:
    parts = [row["extent"], plural(row["tracks"], "track"), plural(row["folds"], "fold")]
    outside = f"<small>ext.: {plural(row['external_tracks'], 'track')}</small>" if row["external_tracks"] else ""
    return f"<small>{' · '.join(parts)}</small>{outside}"


def _sources(facts: dict[str, Any]) -> list[str]:
    """Return where published figures are from, and what is to be said of them, each once."""
    every = [(row["task"], one) for row in facts["rows"] for one in row["published"]]
    sources = dict.fromkeys(f"Published figures, on the datasets of that name: {one['source']}." for _, one in every)
    doubts = [f"Published for {task}, {one['model']}: {one['note']}" for task, one in every if one["note"]]
    return [*sources, *doubts]


def _baseline_names(facts: dict[str, Any]) -> list[str]:
    return [name for name in BASELINES if any(_baseline(row, name) for row in facts["rows"])]


def _baseline(row: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((one for one in row["baselines"] if one["name"] == name), None)


def _class(*names: str) -> str:
    value = " ".join(filter(None, names))
    return f' class="{value}"' if value else ""


def _text(text: str) -> str:
    return html.escape(clean_line(text))


# -- LaTeX --------------------------------------------------------------------------------------------------------

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "–": "--",
    "²": "$^2$", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\symbol{34}",
} | {letter: rf"\{letter}" for letter in "#$%&_{}"}  # fmt: skip
SHADES = {"cv": "0.9", "external": "0.75"}


def as_latex(facts: dict[str, Any]) -> str:
    """Return the table as LaTeX, tasks in rows; what the figures are stands above it as remarks."""
    kinds, baselines = _kinds(facts), _baseline_names(facts)
    groups = [kinds] * len(facts["columns"]) + [["cv"]] * len(baselines)
    titles = [column["title"] for column in facts["columns"]] + baselines
    heads = [
        rf"\multicolumn{{{len(group)}}}{{c}}{{{_tex(title)}}}" for group, title in zip(groups, titles, strict=True)
    ]
    ends = list(accumulate(map(len, groups), initial=1))
    rules = " ".join(rf"\cmidrule(lr){{{before + 1}-{end}}}" for before, end in pairwise(ends))
    options = {"named": facts["has_measures"], "intervals": facts["intervals"]}
    rows = [line for row in facts["rows"] for line in _tex_rows(row, groups, baselines, **options)]
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage[table]{xcolor}.",
        *(f"% {clean_line(line)}" for line in (facts["caption"], *facts["notes"], *_sources(facts))),
        rf"\begin{{tabular}}{{l{'r' * (ends[-1] - 1)}}}",
        r"\toprule",
        _tex_row(["task", *heads]),
        rules,
        _tex_row(["", *(facts["headings"][kind] for group in groups for kind in group)]),
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _tex_rows(
    row: dict[str, Any], groups: Sequence[Sequence[str]], baselines: Sequence[str], *, named: bool, intervals: bool
) -> Iterator[str]:
    """Yield the row of a task, with its measure where tasks have several, and one for each measure beside it."""
    cells = [cell or {} for cell in (*row["cells"], *(_baseline(row, name) for name in baselines))]
    measure = f" ({row['measure']})" if named else ""
    pairs = zip(cells, groups, strict=True)
    figures = [_tex_figure(cell, kind, intervals=intervals) for cell, group in pairs for kind in group]
    # Braces, since the start of a row may be taken for an option of the end of the row above.
    yield _tex_row([f"{{{_tex(row['title'] + measure)}}}", *figures])
    for name in row["beside"]:
        texts = [cell.get("beside", {}).get(name, NONE) for cell in cells]
        others = [_tex(text * (kind == "cv")) for text, some in zip(texts, groups, strict=True) for kind in some]
        yield _tex_row([rf"\quad {name}", *others])


def _tex_figure(cell: dict[str, Any], kind: str, *, intervals: bool) -> str:
    figure = _tex(cell.get(kind, NONE).removesuffix(" %"))
    interval = str(cell.get(f"{kind}_interval", "")) if intervals else ""
    small = rf" {{\scriptsize ({_tex(interval)})}}" if interval else ""
    shaded = rf"\cellcolor[gray]{{{SHADES[kind]}}}\textbf{{{figure}}}" if cell.get(f"best_{kind}") else figure
    return f"{shaded}{small}"


def _tex_row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _tex(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in clean_line(text))
