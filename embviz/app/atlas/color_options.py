"""What the points of a map can be coloured and sized by, and what says most of a collection.

Conventions: a colour has a key: ``"none"``, ``"column:NAME"`` of the table, ``"tag:MODEL:TAG"``, ``"tempo"``,
``"trust"`` (how many of its neighbours a point keeps on the map), ``"outlier"`` (how far it is from its neighbours) or
``"cluster"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embviz.app.atlas.model_outputs import mapped_heads, taggers, tempo_model
from embviz.collection.head_columns import column_classes
from embviz.core.text import format_cell, one_line
from embviz.errors import EmbvizError, OptionError, did_you_mean
from embviz.export.columns import MAP_GROUP, tagger_group, telling_column
from embviz.heads import get_head
from embviz.heads.catalogue import CATALOGUE
from embviz.heads.lookup import is_head

if TYPE_CHECKING:
    import pandas as pd

    from embviz.widgets.schema import ColorGroup, KeyTitle


# Of the columns of every table, those that say what is to be seen.
FIRST = ("genre", "artist", "album", "folder", "year", "duration")
HIDDEN = ("path", "name", "title", "digest", "problem", "warning")
SHOWN = 3  # names in a sentence
TRUST_TITLE, OUTLIER_TITLE = "neighbours kept", "outlier score"

SIZES: list[KeyTitle] = [
    {"key": "none", "title": "all the same"},
    {"key": "duration", "title": "duration"},
    {"key": "spread", "title": "spread within the track"},
]


def telling_color(table: pd.DataFrame) -> str:
    """Return the key of what says most of the tracks; ``"none"`` where nothing does."""
    name = telling_column(table, _columns(table))
    return "none" if name is None else f"column:{name}"


def _columns(table: pd.DataFrame) -> list[Any]:
    """Return the columns that a map can be coloured by, those of every collection first."""
    names = [name for name in FIRST if name in table.columns]
    names += [name for name in table.columns if name not in FIRST + HIDDEN]
    return [name for name in names if any(str(value) for value in table[name].dropna())]


def color_groups(table: pd.DataFrame) -> list[ColorGroup]:
    """Return what can be chosen, as the page lists it."""
    columns: list[KeyTitle] = [{"key": f"column:{name}", "title": format_cell(name)} for name in _columns(table)]
    groups: list[ColorGroup] = [
        {"title": "", "items": [{"key": "none", "title": "none"}]},
        {"title": "Columns", "items": columns},
        {
            "title": MAP_GROUP,
            "items": [
                {"key": "cluster", "title": "cluster"},
                {"key": "trust", "title": TRUST_TITLE},
                {"key": "outlier", "title": OUTLIER_TITLE},
            ],
        },
    ]
    tempo = tempo_model()
    if tempo is not None:
        groups.append({"title": tagger_group(tempo), "items": [{"key": "tempo", "title": "tempo"}]})
    for model in taggers():
        tags = next(layer.labels for layer in model.known_layers if layer.name == "output")
        items: list[KeyTitle] = [{"key": f"tag:{model.name}:{tag}", "title": tag} for tag in tags]
        groups.append({"title": tagger_group(model), "items": items})
    for head in mapped_heads():
        items = [
            {"key": f"tag:{head.name}:{head.classes[place]}", "title": one_line(column)}
            for column, place in column_classes(head).items()
        ]
        groups.append({"title": f"{one_line(head.title)} ({head.name})", "items": items})
    return groups


def key_of(wanted: Any, table: pd.DataFrame) -> str:
    """Return the key of a colour by its name: of a column, of a tag, or a key itself; of None, what says most.

    Raises
    ------
    OptionError
        If there is nothing of that name.
    """
    if wanted is None:
        return telling_color(table)
    if not isinstance(wanted, str):
        raise OptionError(
            f"color is a name, such as that of a column; {type(wanted).__name__} was found. Make values of your own a "
            "column first: collection.assign(mine=values).map(color='mine')."
        )
    items = [item for group in color_groups(table) for item in group["items"]]
    names = {item["key"]: item["key"] for item in items}
    # A column comes before a tag of that name, and a tag of the first model before those of others.
    for item in items:
        names.setdefault(item["title"], item["key"])
    if wanted not in names:
        raise OptionError(
            f"There is no {wanted!r:.80} to colour by: a column of the table, 'cluster', 'trust', 'outlier', 'tempo', "
            "a tag of a model whose weights are here, or what a head says that is here, is expected."
            f"{head_hint(wanted) or did_you_mean(wanted, names)}"
        )
    return str(names[wanted])


def head_hint(wanted: Any) -> str:
    """Return a sentence about the head, or the task, that is meant by a name; empty where none is."""
    if not isinstance(wanted, str):
        return ""
    tasks = sorted({record.task for record in CATALOGUE.values()}, key=len, reverse=True)
    name = wanted if is_head(wanted) else next((task for task in tasks if wanted.startswith(f"{task}_")), "")
    if not name:
        return ""
    try:
        head = get_head(name)
        head.check_extractor()
    except EmbvizError as error:
        return f" {error}"
    columns = list(column_classes(head))
    more = f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else ""
    return f" {head.name} says {', '.join(map(repr, columns[:SHOWN]))}{more}."
