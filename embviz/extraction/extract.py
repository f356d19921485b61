"""The way from a sound to embeddings: decode once, one front-end pass, one graph pass, through the cache."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache as cache_calls
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack, overload

import numpy as np

from embviz.audio import Audio, AudioSource
from embviz.audio.audio import check_quality
from embviz.audio.decode import cancellable, prepare
from embviz.audio.facts import known_problem, load_facts, note_problem
from embviz.audio.resampling import LINEAR
from embviz.core import essentia
from embviz.core.cache import Cache, CacheOption, resolve_cache
from embviz.core.embedding import Embedding, FrameGrid
from embviz.core.progress import Progress, Report, reporter
from embviz.errors import (
    AudioError,
    EngineError,
    GraphError,
    NotFiniteError,
    OptionError,
    UndecodableError,
    WeightsError,
)
from embviz.extraction.engines import (
    EngineOption,
    check_engine,
    choose_engine,
    describe_decoders,
    engine_versions,
    serving_engines,
)
from embviz.extraction.frontends import (
    FRONTENDS,
    FrontEnd,
    Patches,
    PatchLayout,
    cut_patches,
    lay_out_patches,
)
from embviz.extraction.mel import mel_spectrogram
from embviz.extraction.passes import run_passes
from embviz.extraction.stitching import Stitcher, plan_grid, resolve_layer
from embviz.extraction.trust import kept_verdicts
from embviz.models import FunctionModel, Layer, LayerList, Model, ModelLike, ModelList, get_model
from embviz.models.weight_store import Weights
from embviz.models.weights import find_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.heads import Head


FORMAT = 1  # of what is computed here: part of every key, raised when the numbers change
STEPS = 2  # of which steps of a patch are taken, where those of the next lie elsewhere; raised when that changes
FUNCTION_FORMAT = 1  # of what functions are given, and of the grids of their frames
DENSE_CHUNK_HOP = 0.1  # seconds; "dense" for OpenL3, the hop its authors recommend
LARGEST_PARTIAL = 64 * 2**20  # bytes; what is larger is not copied again and again while it grows

PatchHop: TypeAlias = float | Literal["dense"] | None


class EmbedOptions(TypedDict, total=False):
    """Options of :func:`embed`."""

    patch_hop: PatchHop
    resample_quality: int | None
    engine: EngineOption
    cache: CacheOption
    progress: Progress


@overload
def embed(
    audio: AudioSource, model: ModelLike | None = ..., *, head: str | Head, **options: Unpack[EmbedOptions]
) -> Embedding: ...
@overload
def embed(
    audio: AudioSource,
    model: ModelLike | None = ...,
    *,
    head: list[str | Head] | list[str] | list[Head],
    **options: Unpack[EmbedOptions],
) -> list[Embedding]: ...
@overload
def embed(audio: AudioSource, model: ModelLike, *, layer: str = ..., **options: Unpack[EmbedOptions]) -> Embedding: ...
@overload
def embed(
    audio: AudioSource, model: ModelLike, *, layer: LayerList, **options: Unpack[EmbedOptions]
) -> list[Embedding]: ...
@overload
def embed(
    audio: AudioSource, model: ModelList, *, layer: str = ..., **options: Unpack[EmbedOptions]
) -> list[Embedding]: ...
@overload
def embed(
    audio: AudioSource, model: ModelList, *, layer: LayerList, **options: Unpack[EmbedOptions]
) -> list[list[Embedding]]: ...
def embed(  # noqa: PLR0913  options are given by name
    audio: AudioSource,
    model: ModelLike | ModelList | None = None,
    *,
    layer: str | LayerList = "embedding",
    head: str | Head | Sequence[str | Head] | None = None,
    patch_hop: PatchHop = None,
    resample_quality: int | None = None,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = None,
) -> Any:
    """Return what layers of models, or heads on them, say about a track.

    Several models and layers in one call share decoding, front-ends and graph passes.

    Parameters
    ----------
    audio : path, (ndarray, int) or Audio
        The track: a file, or float samples ``[n]`` or ``[n, channels]`` with their rate in Hz.
    model : str, Model or sequence of them
        Name or alias of a model (see :func:`embviz.list_models`); its weights must be present. With `head` it may be
        left out, or says on which extractor the head of a task is meant.
    layer : str or sequence of str
        Name of a layer (see ``get_model(name).layers()``), or of any node of the graph.
    head : str, Head or sequence of them, optional
        A classifier or regression on a layer, by name or task (see :func:`embviz.list_heads`): its classes come in
        place of the layer, which it knows itself.
    patch_hop : float, "dense" or None
        Seconds from one patch to the next, rounded to whole frames; None is the model's own. ``"dense"`` moves the
        patch by one frame of the front-end (0.1 s for OpenL3), which multiplies the time it takes.
    resample_quality : int, optional
        Essentia's resampleQuality, 0 (best) … 4 (fastest); None is that of the model's official example. It changes
        the numbers visibly.
    engine : {"auto", "essentia", "onnx"}
        What runs the network: Essentia's TensorFlow, or ONNX Runtime, which is several times as fast and differs in the
        last bits; ``"auto"`` takes ONNX Runtime where a comparison on this machine has shown that, and accepts what is
        in the cache of either. ``info["engine"]`` of an embedding says which it was.
    cache : Cache, False or None
        Where results are kept; None is the user's cache, False computes anew and keeps nothing.
    progress : bool or callable, optional
        True shows a progress bar; a callable is given ``(stage, done, total)`` and may raise to cancel.

    Returns
    -------
    Embedding or list
        One embedding for one model and one layer; a list where a sequence of models or of layers is given; a list
        (per model) of lists (per layer) where both are.

    Raises
    ------
    AudioError
        If the sound cannot be read.
    ModelError, LayerError
        If there is no such model or layer.
    WeightsError
        If the weights of a model are not here; see :func:`embviz.pull`.
    OptionError
        If an option is out of range.
    GraphError
        If the engine that was named cannot run the graph.

    Notes
    -----
    A clip shorter than one patch gives one frame: its mel-spectrogram is repeated to fill the patch, and the
    embedding is marked as ``padded``. Layers with a time axis inside the patch come out on their own finer grid; where
    patches overlap, each step is taken from the patch whose centre is nearest.

    References
    ----------
    P. Alonso-Jiménez et al., Deep embeddings with Essentia models, ISMIR late-breaking demo 2020; the paper of each
    model is its ``citation``.

    Examples
    --------
    >>> import embviz
    >>> embedding = embviz.embed(embviz.sample_audio() / "rock.ogg", "musicnn")  # doctest: +SKIP
    >>> embedding.shape, embedding.grid.period  # doctest: +SKIP
    ((81, 200), 1.488)
    >>> embviz.embed("song.mp3", "musicnn", head="mood_sad").labels  # doctest: +SKIP
    ('non_sad', 'sad')
    >>> timbral, output = embviz.embed("song.mp3", "musicnn", layer=["timbral", "output"])  # doctest: +SKIP
    """
    if head is not None:
        from embviz.heads.lookup import apply_heads

        if layer != "embedding":
            raise OptionError(
                f"A head knows the layer that it takes; layer is left out beside it, {layer!r:.80} was found."
            )
        shared: EmbedOptions = {"patch_hop": patch_hop, "resample_quality": resample_quality, "engine": engine}
        return apply_heads(audio, head, model, {**shared, "cache": cache, "progress": progress})
    models = as_list(model, (str, Model), "model")
    layers = as_list(layer, str, "layer")
    store = resolve_cache(cache)
    with reporter(progress) as report:
        sound = Audio.open(audio)
        options = patch_hop, resample_quality, engine
        specs = [LayerSpec.of(get_model(m), name, *options) for m in models for name in layers]
        found = {i: one for i, one, _ in stream_embeddings(sound, specs, store=store, report=report, every=math.inf)}
    return nest_results([found[i] for i in range(len(specs))], model, layer)


def find_obstacle(model: Model, layer: str, engine: EngineOption = "auto") -> str:
    """Return why a model whose weights are here cannot run on this system; empty where it can be tried.

    Essentia runs all of them; where it is not installed, some cannot be translated for another engine.
    """
    if essentia.is_installed() or isinstance(model, FunctionModel):
        return ""
    try:
        choose_engine([LayerSpec.of(model, layer, None, engine=engine)], lambda *_: None)
    except (EngineError, GraphError) as error:
        return str(error)
    return ""


def compare_engines(specs: Sequence[LayerSpec], report: Report) -> None:
    """Compare the engines for graphs of which nothing is known on this machine yet, before processes start on them."""
    if not essentia.is_installed():
        return
    graphs = [spec for spec in specs if spec.engine != "essentia" and not isinstance(spec, FunctionSpec)]
    unknown = [spec for spec in graphs if not kept_verdicts(spec.model, spec.weights)]
    with contextlib.suppress(EngineError, GraphError):  # it is told where it stands in the way
        _choose_engines(dict(enumerate(unknown)), report)


def as_list(given: Any, single: Any, what: str) -> list[Any]:
    """Return what was given as one or as several, as a list; raises where it is neither."""
    items = [given] if isinstance(given, single) else given
    if not isinstance(items, list | tuple) or not items:
        raise OptionError(f"{what} is expected as a name or a list of at least one name, {given!r:.80} was found.")
    return list(items)


def nest_results(results: list[Any], model: Any, layer: str | LayerList) -> Any:
    """Return the results of all layers of all models as they were asked for: one, a list, or lists (per model)."""
    n = 1 if isinstance(layer, str) else len(layer)
    rows = results if isinstance(layer, str) else [results[i : i + n] for i in range(0, len(results), n)]
    return rows if isinstance(model, list | tuple) else rows[0]


def load_cached(audio: Audio, digest: str, spec: LayerSpec, store: Cache) -> Embedding | None:
    """Return an embedding of the track of this digest if it is in the cache; nothing is decoded."""
    found = ((one, store.get(one.key(digest))) for one in spec.serving)
    spec, cached = next(((one, cached) for one, cached in found if cached is not None), (spec, None))
    if cached is None:
        return None
    return replace(
        cached,
        title=audio.title,
        source=spec.weights.source,
        grid=spec.regrid(cached.grid),
        labels=spec.labels(cached.shape[1]),
        # What was computed of another file with the same sound names that one.
        info={**cached.info, "audio": digest, "engine": spec.engine},
    )


def is_cached(digest: str, spec: LayerSpec, store: Cache) -> bool:
    """Tell whether an embedding of the track of this digest is in the cache, without reading it."""
    return any(store.has(one.key(digest)) for one in spec.serving)


def stream_embeddings(
    audio: Audio,
    specs: Sequence[LayerSpec],
    *,
    store: Cache | None,
    report: Report,
    every: float = 0.3,
    unkept: Container[int] = (),
    settled: Callable[[int], bool] = lambda _place: False,
) -> Iterator[tuple[int, Embedding, bool]]:
    """Yield the embeddings of a track as they come, and what there is of them on the way.

    Decoding, front-ends and graph passes are shared as in :func:`embed`; `report` may raise to cancel.

    Parameters
    ----------
    every : float
        Seconds between two partial results, at least.
    unkept : container of int
        Places in `specs` of what does not go to the cache.
    settled : callable
        Tells of a place, once its sound turned out to be that of another file, whether it is not needed any more.

    Yields
    ------
    int, Embedding, bool
        Place in `specs`; the embedding, whose frames that are not computed yet are NaN; whether it is complete.
    """
    before = file_stamp(audio)
    digest = store.digest(audio) if store else audio.digest
    missing = dict(enumerate(specs))
    yield from ((i, cached, True) for i, cached in _take_cached(audio, digest, missing, store).items())
    of_twin: dict[int, Embedding] = {}

    def check() -> None:
        # What was decoded has to be what the digest stands for, or it would be kept under a wrong name.
        if file_stamp(audio) != before:
            raise AudioError(f"{audio.title!r} was changed while it was read; try again.")
        if store and audio.path is not None and store.note_sound(digest, asdict(audio.facts)):
            for i in list(filter(settled, missing)):
                del missing[i]
            of_twin.update(_take_cached(audio, digest, missing, store))

    if missing and store:
        _recall(audio, digest, store)
    try:
        for i, embedding, complete in _compute(audio, digest, missing, report, every, check):
            if store and complete and i not in unkept:
                store.put(specs[i].using(embedding.info["engine"]).key(digest), embedding)
            yield i, embedding, complete
    except UndecodableError as error:
        if store and audio.path is not None and file_stamp(audio) == before:
            note_problem(store, digest, audio.title, str(error))
        raise
    yield from ((i, cached, True) for i, cached in of_twin.items())


def _recall(audio: Audio, digest: str, store: Cache) -> None:
    """Take what a cache remembers of a file; raises where that is that it cannot be decoded."""
    if problem := known_problem(store, digest, audio.title):
        raise UndecodableError(problem)
    if facts := load_facts(store, digest):
        audio.recall(facts)


def _take_cached(audio: Audio, digest: str, missing: dict[int, LayerSpec], store: Cache | None) -> dict[int, Embedding]:
    """Take out of what is missing what is in the cache, and return it, by its place."""
    looked_up = {} if store is None else {i: load_cached(audio, digest, missing[i], store) for i in missing}
    found = {i: cached for i, cached in looked_up.items() if cached is not None}
    for i in found:
        del missing[i]
    return found


def file_stamp(audio: Audio) -> tuple[int, int] | None:
    """Return size and time of change of a sound's file, None where there is no file; raises where it is gone."""
    if audio.path is None:
        return None
    try:
        stat = audio.path.stat()
    except OSError as error:
        raise AudioError(f"{audio.title!r} cannot be read any more: {error.strerror}.") from error
    return stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True)
class LayerSpec:
    """One layer of one model, with everything that determines its numbers."""

    model: Model
    weights: Weights
    layer: Layer
    shapes: tuple[tuple[int, ...], ...]
    quality: int
    hop: int
    engine: EngineOption = "auto"

    @classmethod
    def of(
        cls, model: Model, layer: str, patch_hop: PatchHop, quality: int | None = None, engine: EngineOption = "auto"
    ) -> LayerSpec:
        """Return what :func:`embed` makes of these options; raises where it would."""
        check_engine(engine)
        if isinstance(model, FunctionModel):
            return FunctionSpec.of_function(model, layer, patch_hop, quality)
        weights = _weights(model, verify=False)  # hashed before they are loaded, not to look into the cache
        resolved, shapes = resolve_layer(model, weights, layer)
        checked = model.resample_quality if quality is None else check_quality(quality)
        return cls(model, weights, resolved, shapes, checked, _check_hop(model, patch_hop), engine)

    def using(self, engine: EngineOption) -> LayerSpec:
        """Return the same, computed by an engine."""
        return replace(self, engine=engine)

    @property
    def serving(self) -> tuple[LayerSpec, ...]:
        """The same by each engine whose results serve, those first that are preferred."""
        return tuple(map(self.using, serving_engines(self.engine)))

    @property
    def frontend(self) -> FrontEnd:
        """What stands between the samples and the network."""
        return FRONTENDS[self.model.frontend]

    @property
    def ranks(self) -> dict[str, int]:
        """The nodes of the layer, and the number of axes of each, with that of the patches."""
        extra = int("s" not in self.layer.axes)
        return {node: len(shape) + extra for node, shape in zip(self.layer.nodes, self.shapes, strict=True)}

    def patches(self, n_samples: int) -> PatchLayout:
        """Return where the patches of a track of so many samples, at the model's rate, lie."""
        return lay_out_patches(n_samples, self.frontend, patch_frames=self.model.patch_frames, hop=self.hop)

    def grid(self, n_samples: int) -> FrameGrid:
        """Return the grid of a track of so many samples at the model's rate.

        It is no part of what is kept in the cache: embeddings that an earlier version kept get it, too.
        """
        return plan_grid(self.layer, self.shapes, self.frontend, self.patches(n_samples), n_samples)

    def regrid(self, kept: FrameGrid) -> FrameGrid:
        """Return the grid of an embedding from the one that it was kept with."""
        return self.grid(kept.n_samples)

    def labels(self, dimensions: int) -> tuple[str, ...]:
        """Return a name for each of so many dimensions, or none; as the grid, they are no part of what is kept."""
        return self.layer.labels if len(self.layer.labels) == dimensions else ()

    def key(self, digest: str) -> dict[str, Any]:
        """Return the key in the cache for a track of this digest.

        Embeddings are kept under that of the engine that computed them; what is derived from the embeddings of many
        tracks may be of several, and has the key of ``"auto"``.
        """
        aligned = self.grid(60 * self.frontend.sample_rate).is_aligned  # as that of any sound
        return engine_versions(self.engine) | ({} if aligned else {"steps": STEPS}) | {
            "audio": digest,
            "weights": self.weights.sha256,
            "model": self.model.name,
            "layer": self.layer.name,
            "nodes": list(self.layer.nodes),
            "axes": self.layer.axes,
            "frontend": asdict(self.frontend),
            "patch_frames": self.model.patch_frames,
            "patch_hop": self.hop,
            "resample_quality": self.quality,
            "format": FORMAT,
        }  # fmt: skip


@dataclass(frozen=True)
class FunctionSpec(LayerSpec):
    """The layer of a function: no engine runs it, and how many frames it gives is known once it was called."""

    model: FunctionModel

    @classmethod
    def of_function(cls, model: FunctionModel, layer: str, patch_hop: PatchHop, quality: int | None) -> FunctionSpec:
        """Return what :func:`embed` makes of these options; raises where it would."""
        checked = model.resample_quality if quality is None else check_quality(quality)
        hop = _check_hop(model, patch_hop)
        return cls(model, _weights(model, verify=False), model.layer(layer), ((model.dimensions,),), checked, hop)

    def using(self, engine: EngineOption) -> LayerSpec:  # noqa: ARG002
        """Return the same: no engine has a part in it."""
        return self

    @property
    def serving(self) -> tuple[LayerSpec, ...]:
        """The only way to compute it."""
        return (self,)

    @property
    def frontend(self) -> FrontEnd:
        """Samples at the function's rate."""
        rate = self.model.sample_rate
        return FrontEnd(f"function {rate}", "", rate, self.model.patch_samples, self.model.patch_hop, 0)

    def grid(self, n_samples: int, n_frames: int = 1) -> FrameGrid:
        """Return the grid of so many frames."""
        return self.model.grid(n_samples, n_frames)

    def regrid(self, kept: FrameGrid) -> FrameGrid:
        """Return the grid of an embedding from the one that it was kept with."""
        return self.grid(kept.n_samples, kept.n_frames)

    def key(self, digest: str) -> dict[str, Any]:
        """Return the key in the cache for a track of this digest: it holds the function's version and source."""
        names = ("sample_rate", "patch_hop", "patch_samples", "centered", "version", "dimensions")
        return {name: getattr(self.model, name) for name in names} | {
            "audio": digest,
            "weights": self.weights.sha256,
            "model": self.model.name,
            "layer": self.layer.name,
            "resample_quality": self.quality,
            "decoding": describe_decoders(),
            "function_format": FUNCTION_FORMAT,
        }


def _weights(model: Model, *, verify: bool) -> Weights:
    weights = find_weights(model, verify=verify)
    if weights is None:
        raise WeightsError(
            f"The weights of {model.name!r} are not on this machine; get them with embviz.pull({model.name!r}) or "
            f"`embviz pull {model.name}`, or from a folder with `embviz pull --from DIR`."
        )
    return weights


def round_hop(model: Model, patch_hop: PatchHop) -> float:
    """Return the seconds from one patch to the next that a `patch_hop` comes to: whole frames of the front-end.

    Raises OptionError where :func:`embed` would.
    """
    return _check_hop(model, patch_hop) / model.sample_rate


def _check_hop(model: Model, patch_hop: Any) -> int:
    if patch_hop is None:
        return model.patch_hop
    if isinstance(model, FunctionModel):
        raise OptionError(f"patch_hop is fixed for {model.name!r}: its function gives the frames.")
    frontend = FRONTENDS[model.frontend]
    if frontend.channels == 2:
        raise OptionError(f"patch_hop is fixed for {model.name!r}: the graph cuts the whole track itself.")
    frame = frontend.hop if frontend.continuous else 1
    if patch_hop == "dense":
        return frame if frontend.continuous else min(model.patch_hop, round(DENSE_CHUNK_HOP * model.sample_rate))
    longest = model.patch_frames * frame if frontend.continuous else frontend.chunk
    if isinstance(patch_hop, bool | str) or not isinstance(patch_hop, int | float | np.number) or not patch_hop > 0:
        raise OptionError(f'patch_hop is a number of seconds above 0, "dense" or None, {patch_hop!r} was found.')
    if patch_hop * model.sample_rate > longest + frame:
        most = f"{longest / model.sample_rate:.3f} s"
        raise OptionError(f"patch_hop is at most one patch of {model.name!r}, {most}; {patch_hop!r} s was found.")
    return min(longest, max(1, round(patch_hop * model.sample_rate / frame)) * frame)


# Extraction. -------------------------------------------------------------------------------------------------------


def _compute(
    sound: Audio, digest: str, specs: Mapping[int, LayerSpec], report: Report, every: float, check: Callable[[], None]
) -> Iterator[tuple[int, Embedding, bool]]:
    """Yield embeddings by their places, front-end by front-end and graph by graph.

    `check` is called once something is decoded, and may take out of `specs` what need not be computed.
    """
    if specs and sound.path is not None:
        prepare()  # it starts while the graphs are loaded
    runs = _choose_engines(specs, report)

    def by_input(i: int) -> tuple[int, str, int, str]:
        # Stereo first: the mix can be made of the channels, but not the other way round.
        return -runs[i].frontend.channels, runs[i].frontend.name, runs[i].quality, runs[i].engine

    # Samples of the track's own rate are kept where they are resampled here without Essentia, or it is loaded anyway.
    here = all(run.quality == LINEAR for run in runs.values()) or any(run.engine == "essentia" for run in runs.values())
    several = here and len({by_input(i)[:3] for i in specs}) > 1
    decoding = f"decoding {sound.title}"
    if specs:
        report(decoding, 0, 1)
    for n, ((_, _name, quality, engine), same_input) in enumerate(groupby(sorted(specs, key=by_input), by_input)):
        places = [i for i in same_input if i in specs]
        if not places:
            continue
        with cancellable(partial(report, decoding, int(n > 0), 1)):
            frontend = runs[places[0]].frontend
            samples = _samples(sound, frontend, quality, keep=several, exact=engine == "essentia")
        check()
        if not n:
            report(decoding, 1, 1)
        some = {i: runs[i] for i in places if i in specs}
        functions = {i: spec for i, spec in some.items() if isinstance(spec, FunctionSpec)}
        if functions:
            yield from _run_functions(sound, digest, samples, functions, report)
            continue
        insisting = frozenset(i for i in some if specs[i].engine != "auto")
        yield from _run_graphs(sound, digest, samples, some, insisting, report, every)


def _choose_engines(specs: Mapping[int, LayerSpec], report: Report) -> dict[int, LayerSpec]:
    """Return what is asked for with the engines that compute it."""
    runs = dict(specs)
    graphs: dict[tuple[str, str], list[int]] = {}
    for i, spec in specs.items():
        if isinstance(spec, FunctionSpec):
            continue
        graphs.setdefault((spec.weights.sha256, spec.engine), []).append(i)
    for places in graphs.values():
        some = [specs[i] for i in places]
        _weights(some[0].model, verify=True)
        engine = choose_engine(some, report)
        runs |= {i: specs[i].using(engine) for i in places}
    return runs


def _run_functions(
    sound: Audio, digest: str, samples: NDArray[np.float32], specs: Mapping[int, FunctionSpec], report: Report
) -> Iterator[tuple[int, Embedding, bool]]:
    """Yield what functions give of the same samples."""
    for i, spec in specs.items():
        model = spec.model
        report(model.name, 0, 1)
        values = model.compute(samples, sound.title)
        report(model.name, 1, 1)
        grid = spec.grid(len(samples), len(values))
        info = spec.key(digest) | {"engine": "function", "padded": False}
        yield (
            i,
            Embedding(
                values, grid, model.name, spec.layer.name, labels=spec.labels(values.shape[1]), unit=spec.layer.unit,
                title=sound.title, source=spec.weights.source, info=info,
            ),
            True,
        )  # fmt: skip


def _run_graphs(
    sound: Audio,
    digest: str,
    samples: NDArray[np.float32],
    runs: Mapping[int, LayerSpec],
    insisting: Container[int],
    report: Report,
    every: float,
) -> Iterator[tuple[int, Embedding, bool]]:
    """Yield what the graphs of one front-end and one engine give; `insisting` are the places that want no other one."""

    def by_graph(i: int) -> tuple[str, int]:
        return runs[i].weights.sha256, runs[i].hop

    if not runs:
        return
    first = next(iter(runs.values()))
    exact = first.engine == "essentia"
    graphs = [list(same) for _, same in groupby(sorted(runs, key=by_graph), by_graph)]
    source = _source(samples, first.frontend, report, exact=exact)
    cut = cache_calls(partial(cut_patches, source, first.frontend, keep=len(graphs) > 1, exact=exact))
    for places in graphs:
        group = {i: runs[i] for i in places}
        patches = cut(patch_frames=group[places[0]].model.patch_frames, hop=group[places[0]].hop)
        try:
            yield from _run_graph(sound, digest, group, patches, len(samples), report, every)
        except NotFiniteError:
            if not essentia.is_installed() or any(i in insisting for i in places):
                raise
            others = {i: spec.using("essentia") for i, spec in group.items()}
            anew = _samples(sound, first.frontend, first.quality, keep=False, exact=True)
            yield from _run_graphs(sound, digest, anew, others, insisting, report, every)


def _run_graph(
    sound: Audio,
    digest: str,
    group: Mapping[int, LayerSpec],
    patches: Patches,
    n_samples: int,
    report: Report,
    every: float,
) -> Iterator[tuple[int, Embedding, bool]]:
    """Yield what one graph gives for its patches."""
    stitchers = {i: Stitcher(spec.layer, spec.shapes, patches, spec.grid(n_samples)) for i, spec in group.items()}
    runs = [(group[i], stitcher) for i, stitcher in stitchers.items()]
    for _ in _throttle(run_passes(runs, patches, report, gently=every < math.inf), every):
        for i, stitcher in stitchers.items():
            if 0 < stitcher.frames < stitcher.grid.n_frames and stitcher.values.nbytes <= LARGEST_PARTIAL:
                yield i, _to_embedding(group[i], stitcher, sound, digest, partial=True), False
    for i, stitcher in stitchers.items():
        yield i, _to_embedding(group[i], stitcher, sound, digest), True


def _throttle(steps: Iterator[None], every: float) -> Iterator[None]:
    """Go through all steps, and yield after the first and those that end `every` seconds or more after the last one."""
    last = -math.inf if every < math.inf else time.monotonic()
    for _ in steps:
        if time.monotonic() - last >= every:
            yield
            last = time.monotonic()


def _samples(sound: Audio, frontend: FrontEnd, quality: int, *, keep: bool, exact: bool) -> NDArray[np.float32]:
    if frontend.channels == 2:
        return sound.stereo(frontend.sample_rate, quality=quality)
    return sound.mono(frontend.sample_rate, quality=quality, keep=keep, exact=exact)


def _source(samples: NDArray[np.float32], frontend: FrontEnd, report: Report, *, exact: bool) -> NDArray[np.float32]:
    """Return what patches are cut from: the mel-spectrogram where one serves all of them, else the samples."""
    if not frontend.continuous:
        return samples
    stage = f"front-end {frontend.name}"
    return mel_spectrogram(samples, frontend, exact=exact, report=partial(report, stage))


def _to_embedding(
    spec: LayerSpec, stitcher: Stitcher, sound: Audio, digest: str, *, partial: bool = False
) -> Embedding:
    layer = spec.layer
    padded = spec.patches(stitcher.grid.n_samples).padded
    info = spec.key(digest) | {"engine": spec.engine, "padded": padded} | stitcher.tensor_info
    return Embedding(
        stitcher.partial_values() if partial else stitcher.values,
        stitcher.grid,
        spec.model.name,
        layer.name,
        labels=spec.labels(stitcher.values.shape[1]),
        unit=layer.unit,
        title=sound.title,
        source=spec.weights.source,
        info=info,
        _tensor=None if partial else stitcher.tensor,
    )
