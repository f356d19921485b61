"""The table of an evaluation as HTML for a notebook and as LaTeX for a paper.

The layout is that of the poster: tasks in rows, models in columns, each with the accuracy in cross-validation ("5F"),
that for the other collection ("ext.") and the drop between the two; the best of a row is shaded light grey (5F) and
medium grey (ext.). A single task has the models in its rows instead.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

from embviz.core.text import clean_line, plural
from embviz.evaluation.table_data import NONE

BASELINES = ("majority", "chance")

# -- HTML ---------------------------------------------------------------------------------------------------------

# Greys that darken a light page and lighten a dark one. JupyterLab stripes and right-aligns tables of its own accord.
# Names stay in sight of a wide table where the page tells its colour, which has to be behind them: elsewhere the
# length that is not there makes "left" void.
STYLE = """<style>
.embviz-tasks { color: inherit; font-variant-numeric: tabular-nums; line-height: 1.35; max-width: 100%; }
.embviz-tasks .scroll { position: relative; overflow-x: auto; padding-bottom: 4px; }
.embviz-tasks .scroll:focus-visible { outline: 2px solid currentColor; outline-offset: 1px; }
.embviz-tasks .scroll table.figures { border-collapse: collapse; border: 0; margin: 0; width: auto; color: inherit;
  font-size: 13px; table-layout: auto; }
.embviz-tasks .scroll table.figures tr { background: transparent; }
.embviz-tasks .scroll table.figures :is(th, td) { border: 0; padding: 4px 9px; text-align: right; color: inherit;
  vertical-align: top; white-space: nowrap; max-width: none; background: transparent; }
.embviz-tasks .scroll table.figures thead tr th.name,
.embviz-tasks .scroll table.figures :is(th.name, td.said) { text-align: left; }
.embviz-tasks .scroll table.figures th.name:first-child { position: sticky; left: calc(0 * var(--jp-border-width));
  z-index: 1; background: var(--jp-layout-color0, transparent); background-clip: padding-box; }
.embviz-tasks .scroll table.figures thead th { font-weight: 600; vertical-align: bottom; }
.embviz-tasks .scroll table.figures thead th[colspan] { text-align: center; }
.embviz-tasks .scroll table.figures thead tr:last-child th { border-bottom: 1px solid rgba(128, 128, 128, .7); }
.embviz-tasks .scroll table.figures thead th[rowspan] { border-bottom: 1px solid rgba(128, 128, 128, .7); }
.embviz-tasks .scroll table.figures .first { border-left: 1px solid rgba(128, 128, 128, .35); }
.embviz-tasks .scroll table.figures tbody tr.task > * { border-top: 1px solid rgba(128, 128, 128, .35); }
.embviz-tasks .scroll table.figures tbody th { font-weight: 600; }
.embviz-tasks .scroll table.figures small { display: block; font-size: 11px; font-weight: 400; opacity: .8; }
.embviz-tasks .scroll table.figures .best { font-weight: 700; background: rgba(128, 128, 128, .24); }
.embviz-tasks .scroll table.figures .best.external { background: rgba(128, 128, 128, .46); }
.embviz-tasks .scroll table.figures .faint { font-weight: 400; opacity: .8; }
.embviz-tasks .scroll table.figures tr.said :is(th, td) { font-size: 12px; font-weight: 400; padding-top: 0; }
.embviz-tasks .scroll table.figures tr.said td { opacity: .8; }
.embviz-tasks .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.embviz-tasks p { margin: 6px 0 0; max-width: 84ch; font-size: 12px; }
.embviz-tasks ul { margin: 6px 0 0; padding-left: 18px; max-width: 84ch; font-size: 12px; }
</style>"""


def as_html(facts: dict[str, Any]) -> str:
    """Return the table as HTML for a notebook; whatever stands in it is shown as text."""
    if not facts["rows"]:
        return "<div>An evaluation of nothing: no cell has been computed.</div>"
    head, body = _by_model(facts) if len(facts["rows"]) == 1 else _by_task(facts)
    notes = [*facts["notes"], *_sources(facts)]
    listed = f"<ul>{''.join(f'<li>{_text(note)}</li>' for note in notes)}</ul>" if notes else ""
    return (
        f'{STYLE}<div class="embviz-tasks"><div class="scroll" tabindex="0" role="region" aria-label="Scores">'
        f'<table class="figures"><thead>{head}</thead><tbody>{body}</tbody></table></div>'
        f"<p>{_text(facts['caption'])}</p>{listed}</div>"
    )


def _by_task(facts: dict[str, Any]) -> tuple[str, str]:
    """Return head and body with tasks in rows."""
    shown_of = _figure_names(facts)
    names = [name for name in BASELINES if any(_baseline(row, name) for row in facts["rows"])]
    of_baselines = [which for which in shown_of if which != "drop"]
    head = '<th class="name" rowspan="2" scope="col">task</th>'
    for column in facts["columns"]:
        first, *others = column["lines"]
        more = f'<span class="faint">{"".join(f"<br>{_text(line)}" for line in others)}</span>' if others else ""
        head += f'<th class="first" colspan="{len(shown_of)}" scope="colgroup">{_text(first)}{more}</th>'
    for name in names:
        head += f'<th class="first faint" colspan="{len(of_baselines)}" scope="colgroup">{name}</th>'
    groups = [shown_of] * len(facts["columns"]) + [of_baselines] * len(names)
    below = "".join(_headings(facts, group) for group in groups)
    width = sum(map(len, groups))
    body = ""
    for row in facts["rows"]:
        cells = "".join(_figures(cell, shown_of, first=True) for cell in row["cells"])
        cells += "".join(_figures(_baseline(row, name), of_baselines, first=True) for name in names)
        body += f'<tr class="task"><th class="name" scope="row">{_text(row["title"])}{_extent(row)}</th>{cells}</tr>'
        if row["published"]:
            named = '<th class="name" scope="row"><span class="faint">published, 5F</span></th>'
            body += f'<tr class="said">{named}{_published_row(row, width)}</tr>'
    return f"<tr>{head}</tr><tr>{below}</tr>", body


def _by_model(facts: dict[str, Any]) -> tuple[str, str]:
    """Return head and body of a single task, with models in rows."""
    row, shown_of = facts["rows"][0], _figure_names(facts)
    wide = max((len(column["lines"]) for column in facts["columns"]), default=1)
    head = f'<th class="name" colspan="{wide}" scope="col">{_text(row["title"])}{_extent(row)}</th>'
    body = ""
    for column, cell in zip(facts["columns"], row["cells"], strict=True):
        first, *others = column["lines"]
        named = f'<th class="name" scope="row">{_text(first)}</th>'
        named += "".join(f'<th class="name faint" scope="row">{_text(line)}</th>' for line in others)
        body += f'<tr class="task">{named}{_figures(cell, shown_of)}</tr>'
    for baseline in row["baselines"]:
        named = f'<th class="name faint" colspan="{wide}" scope="row">{_text(baseline["name"])}</th>'
        body += f'<tr class="task">{named}{_figures(baseline, shown_of)}</tr>'
    for one in row["published"]:
        named = f'<th class="name faint" colspan="{wide}" scope="row">{_text(one["model"])}, published</th>'
        body += f'<tr class="task">{named}{_figures({"cv": one["accuracy"]}, shown_of)}</tr>'
    return f"<tr>{head}{_headings(facts, shown_of, first=False)}</tr>", body


def _figure_names(facts: dict[str, Any]) -> list[str]:
    return ["cv", "external", "drop"] if facts["has_external"] else ["cv"]


def _headings(facts: dict[str, Any], which: Sequence[str], *, first: bool = True) -> str:
    return "".join(
        f'<th{_class("first" if first and not i else "")} scope="col">{facts["headings"][name]}</th>'
        for i, name in enumerate(which)
    )


def _figures(cell: dict[str, Any] | None, which: Sequence[str], *, first: bool = False) -> str:
    return "".join(_figure(cell or {}, name, first=first and not i) for i, name in enumerate(which))


def _figure(cell: dict[str, Any], name: str, *, first: bool) -> str:
    best = cell.get(f"best_{name}", False)
    classes = _class("first" * first, f"best {name}" * best, "" if "accuracy" in cell else "faint")
    hint = cell.get(f"{name}_hint", "")
    said = f' title="{_text(hint)}"' if hint else ""
    between = cell.get(f"{name}_interval", "")
    small = f"<small>{between}</small>" if between else ""
    figure = cell.get(name, NONE).removesuffix(" %")
    mark = '<span class="hidden"> best</span>' if best else ""
    return f"<td{classes}{said}>{figure}{mark}{small}</td>"


def _extent(row: dict[str, Any]) -> str:
    parts = [f"{row['classes']:,} classes", plural(row["tracks"], "track"), plural(row["folds"], "fold")]
    outside = f"<small>ext.: {plural(row['external_tracks'], 'track')}</small>" if row["external_tracks"] else ""
    return f"<small>{' · '.join(parts)}</small>{outside}"


def _published_row(row: dict[str, Any], width: int) -> str:
    figures = " · ".join(f"{_text(one['model'])} {_text(one['accuracy'])}" for one in row["published"])
    return f'<td class="said" colspan="{width}">{figures}</td>'


def _sources(facts: dict[str, Any]) -> list[str]:
    """Return where published figures are from, and what is to be said of them, each once."""
    every = [(row["task"], one) for row in facts["rows"] for one in row["published"]]
    sources = dict.fromkeys(f"Published figures, on the datasets of that name: {one['source']}." for _, one in every)
    doubts = [f"Published for {task}, {one['model']}: {one['note']}" for task, one in every if one["note"]]
    return [*sources, *doubts]


def _baseline(row: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((one for one in row["baselines"] if one["name"] == name), None)


def _class(*names: str) -> str:
    there = " ".join(filter(None, names))
    return f' class="{there}"' if there else ""


def _text(text: str) -> str:
    return html.escape(clean_line(text))


# -- LaTeX --------------------------------------------------------------------------------------------------------

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "–": "--",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\symbol{34}",
} | {letter: rf"\{letter}" for letter in "#$%&_{}"}  # fmt: skip
SHADES = {"cv": "0.9", "external": "0.75"}


def as_latex(facts: dict[str, Any]) -> str:
    """Return the table as LaTeX, tasks in rows; what the figures are stands above it as remarks."""
    shown_of = _figure_names(facts)
    names = [name for name in BASELINES if any(_baseline(row, name) for row in facts["rows"])]
    widths = [len(shown_of)] * len(facts["columns"]) + [1] * len(names)
    titles = [column["title"] for column in facts["columns"]] + names
    groups = [rf"\multicolumn{{{width}}}{{c}}{{{_tex(title)}}}" for width, title in zip(widths, titles, strict=True)]
    rules = " ".join(rf"\cmidrule(lr){{{start}-{stop}}}" for start, stop in _spans(widths))
    below = [facts["headings"][name] for name in shown_of] * len(facts["columns"]) + [facts["headings"]["cv"]] * len(
        names
    )
    # Braces, since the start of a row may be taken for an option of the end of the row above.
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage[table]{xcolor}.",
        *(f"% {clean_line(line)}" for line in (facts["caption"], *facts["notes"], *_sources(facts))),
        rf"\begin{{tabular}}{{l{'r' * sum(widths)}}}",
        r"\toprule",
        _tex_row(["task", *groups]),
        rules,
        _tex_row(["", *below]),
        r"\midrule",
        *(_tex_row([f"{{{_tex(row['title'])}}}", *_tex_figures(row, shown_of, names)]) for row in facts["rows"]),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _tex_figures(row: dict[str, Any], which: Sequence[str], names: Iterable[str]) -> Iterable[str]:
    for cell in row["cells"]:
        yield from (_tex_figure(cell or {}, name) for name in which)
    yield from (_tex_figure(_baseline(row, name) or {}, "cv") for name in names)


def _tex_figure(cell: dict[str, Any], name: str) -> str:
    figure = _tex(cell.get(name, NONE).removesuffix(" %"))
    if not cell.get(f"best_{name}"):
        return figure
    return rf"\cellcolor[gray]{{{SHADES[name]}}}\textbf{{{figure}}}"


def _spans(widths: Sequence[int]) -> Iterable[tuple[int, int]]:
    start = 2
    for width in widths:
        yield start, start + width - 1
        start += width


def _tex_row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _tex(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in clean_line(text))
