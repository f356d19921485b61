"""Heads by name: a registered one, one of Essentia's, or the task that it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embviz.core.embedding import Embedding
from embviz.core.options import check_type
from embviz.errors import ModelError, OptionError, WeightsError, did_you_mean
from embviz.heads.catalogue import CATALOGUE, HeadRecord
from embviz.heads.head import Head
from embviz.heads.registry import known_heads
from embviz.models import Model, ModelLike, get_model
from embviz.models.lookup import find_model
from embviz.models.weights import weights_state

if TYPE_CHECKING:
    import pandas as pd

    from embviz.audio import AudioSource


def get_head(name: str, model: ModelLike | None = None) -> Head:
    """Return a head that is here.

    Parameters
    ----------
    name : str
        The name it was registered under, the name of one of Essentia's that was pulled, or a task of these, such as
        ``"mood_sad"``.
    model : str or Model, optional
        With a task: the extractor. By default the first one that :func:`embviz.list_heads` shows for the task, whatever
        else is here, so that a name always means the same numbers.

    Returns
    -------
    Head

    Raises
    ------
    ModelError
        If there is none of that name.
    WeightsError
        If it is one of Essentia's that is not on this machine.

    Examples
    --------
    >>> embviz.get_head("mood_sad", "musicnn").classes  # doctest: +SKIP
    ('non_sad', 'sad')
    """
    check_type(name, str, "A head is called by its name or task")
    here = {head.name: head for head in known_heads()}
    if str(name) in here:
        return here[str(name)]
    record = find_record(name, model)
    if record is None:
        names = [*here, *CATALOGUE, *_tasks()]
        raise ModelError(
            f"There is no head {name!r:.80}.{did_you_mean(str(name), names)} list_heads() lists them; register_head() "
            "adds one."
        )
    if record.name in here:
        return here[record.name]
    others = [other.name for other in CATALOGUE.values() if other.task == record.task and other.name in here]
    instead = f", or name one that is here: {', '.join(map(repr, others))}" if others and name == record.task else ""
    raise WeightsError(
        f"The head {record.name!r} is not on this machine; get it with embviz.pull({record.name!r}) or "
        f"`embviz pull {record.name}`, or from a folder with `embviz pull --from DIR`{instead}."
    )


def is_head(name: str) -> bool:
    """Tell whether a name is that of a registered head, of one of Essentia's, or of a task of these."""
    return find_record(name) is not None or any(head.name == name for head in known_heads())


def find_record(name: str, model: ModelLike | None = None) -> HeadRecord | None:
    """Return the record of one of Essentia's heads by its name, or by its task and extractor; None where none is meant.

    Raises ModelError where there is none for the task on that extractor.
    """
    if str(name) in CATALOGUE:
        return CATALOGUE[str(name)]
    records = [record for record in CATALOGUE.values() if record.task == name]
    if not records or model is None:
        return records[0] if records else None
    wanted = model.name if isinstance(model, Model) else known.name if (known := find_model(model)) else model
    found = next((record for record in records if record.model == wanted), None)
    if found is None:
        raise ModelError(
            f"There is no head {name!r} for {wanted!r}; there is one for {', '.join(one.model for one in records)}."
        )
    return found


def _tasks() -> list[str]:
    return list(dict.fromkeys(record.task for record in CATALOGUE.values()))


def list_heads(*, task: str | None = None, model: ModelLike | None = None) -> pd.DataFrame:
    """List the heads: Essentia's, and those that you registered.

    Parameters
    ----------
    task : str, optional
        Only those for this task, such as ``"mood_sad"``.
    model : str or Model, optional
        Only those for this extractor.

    Returns
    -------
    pandas.DataFrame
        One row per head, by ``name``: ``task``, ``group``, the ``model`` and ``layer`` it takes, ``classes`` (their
        number; NA where only the file tells), ``unit``, ``weights``: ``"ready"`` where the head is here, else
        ``"zoo"`` (only Essentia's model site has it); ``extractor``, the same of its model, ``"unknown"`` where embviz
        has not got it; and ``note``: what was not checked, or where its description contradicts the graph.

    Raises
    ------
    OptionError
        If there is no such task.
    ModelError
        If there is no such model.

    Examples
    --------
    >>> list_heads(task="mood_sad", model="musicnn")["layer"].to_dict()
    {'mood_sad-msd-musicnn-1': 'embedding'}
    """
    import pandas as pd

    here = {head.name: head for head in known_heads()}
    rows = {name: _row(here.get(name), record) for name, record in CATALOGUE.items()}
    rows |= {name: _row(head, None) for name, head in here.items() if name not in rows}
    tasks = dict.fromkeys(row["task"] for row in rows.values())
    if task is not None and task not in tasks:
        raise OptionError(f"There is no task {task!r:.80}.{did_you_mean(str(task), tasks)} list_heads() shows them.")
    wanted = None if model is None else _model_name(model)
    kept = {name: row for name, row in rows.items() if task in (None, row["task"]) and wanted in (None, row["model"])}
    table = pd.DataFrame(list(kept.values()), pd.Index(list(kept), name="name", dtype=object), list(_row(None, None)))
    return table.astype({"classes": "Int64"})


def _model_name(model: ModelLike) -> str:
    """Return the name of a model, which may be an extractor that only heads know."""
    if model in {record.model for record in CATALOGUE.values()}:
        return str(model)
    return get_model(model).name


def _row(head: Head | None, record: HeadRecord | None) -> dict[str, Any]:
    model = head.model if head else record.model if record else ""
    return {
        "task": record.task if record else head.name if head else "",
        "group": record.group if record else "your own",
        "model": model,
        "layer": head.layer if head else record.layer if record else "",
        "classes": len(head.classes) if head else None,
        "unit": head.unit if head else record.unit if record else "",
        "weights": "ready" if head else "zoo",
        "extractor": weights_state(model) if find_model(model) else "unknown",
        "note": str(head.facts.get("note", "")) if head else record.note if record else "",
    }


def apply_heads(audio: AudioSource, head: Any, model: Any, options: Mapping[str, Any]) -> Embedding | list[Embedding]:
    """Return what heads say of a track, for :func:`embviz.embed`: one, or a list where a sequence is given."""
    from embviz.extraction.extract import as_list, embed

    if isinstance(model, Sequence) and not isinstance(model, str):
        raise OptionError(f"With head, model is one extractor or none, {model!r:.80} was found.")
    heads = [one if isinstance(one, Head) else get_head(one, model) for one in as_list(head, (str, Head), "head")]
    for one in heads:
        one.check_extractor()
        if model is not None and not one.fits(get_model(model).name, one.layer):
            raise OptionError(
                f"The head {one.name!r} takes embeddings of {one.model!r}, model={model!r:.80} was found; leave model "
                "out, or name a head of that model."
            )
    # Heads on one layer share its embedding.
    wanted = dict.fromkeys((one.model, one.layer) for one in heads)
    found = {(name, layer): embed(audio, name, layer=layer, **options) for name, layer in wanted}
    answers = [one.apply(found[one.model, one.layer]) for one in heads]
    return answers[0] if isinstance(head, str | Head) else answers
