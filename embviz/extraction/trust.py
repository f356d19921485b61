"""Trust in translated graphs: each is compared with Essentia before it is used for the first time on a machine.

What is compared are real patches: some seconds of a sample track, at the model's own hop and at finer ones, so that
what an engine shares between patches is checked, too. Both engines run in a process of their own. What came of it is
kept beside the weights, and holds for that translation, that version of ONNX Runtime and that processor.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from embviz._version import __version__
from embviz.audio import Audio
from embviz.core import essentia
from embviz.core.io import parse_json, write_bytes
from embviz.core.paths import sample_audio
from embviz.core.processes import processor_name
from embviz.core.text import shorten
from embviz.errors import AudioError, EmbvizError, EngineError, GraphError
from embviz.extraction.frontends import FRONTENDS, cut_patches
from embviz.extraction.mel import mel_spectrogram
from embviz.inference.isolation import run_isolated
from embviz.inference.onnx_session import load_runtime
from embviz.inference.onnx_translation import TRANSLATION
from embviz.inference.published_onnx import stamp_published
from embviz.inference.session_pool import sessions
from embviz.models.weight_store import model_folders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.core.progress import Report
    from embviz.inference.onnx_session import OnnxSession
    from embviz.inference.session import PatchBatch
    from embviz.models import Model
    from embviz.models.weight_store import Weights

SAMPLE = "rock.ogg"
START = 30.0  # seconds: all instruments play
HOPS = 2  # of the model's own, beyond the first patch
FINE_HOP = 0.1  # seconds
FINE_PATCHES = 8
#: Largest difference from what Essentia gives, as a share of the standard deviation of a layer's values.
LIMITS = {"embedding": 5e-5, "output": 5e-5}
LIMIT = 5e-4
MOST_KEPT = 16  # verdicts of a model
WAIT, MOST_WAITS = 0.5, 400  # seconds for another process to compare, and how many times it is looked again

_known: dict[str, Verdict] = {}


@dataclass(frozen=True)
class Verdict:
    """What came of a comparison.

    Parameters
    ----------
    subject : str
        What was compared, and where: a translation, a version of ONNX Runtime, a processor.
    nodes : tuple of str
        The nodes that it gives.
    problem : str
        Why it is not to be used; empty where it is.
    difference : float
        The largest one from what Essentia gives, as a share of the layer's standard deviation; NaN where none was found
        out.
    """

    subject: str
    nodes: tuple[str, ...]
    problem: str
    difference: float


def find_problem(model: Model, weights: Weights, ranks: Mapping[str, int], report: Report) -> str:
    """Return why ONNX Runtime is not to run a graph for some of its nodes; empty where it is.

    Parameters
    ----------
    model, weights : Model, Weights
        The weights are verified.
    ranks : mapping of str to int
        The nodes to be read, and the number of axes of each.
    """
    published = "".join(f" {number}" for number in stamp_published(weights.path))  # once it is there, it may serve
    failure = _subject(weights, f"translation {TRANSLATION} of {', '.join(ranks)}{published}")
    if (verdict := _recall(model, failure)) is not None:
        return verdict.problem
    try:
        session = open_onnx(model, weights, ranks)
    except (EngineError, GraphError) as error:
        # What is wrong with a graph stays so; want of room, memory or time does not.
        passing = BrokenExecutor | TimeoutError | OSError
        lasting = isinstance(error, GraphError) and not isinstance(error.__cause__, passing)
        _note(model, Verdict(failure, tuple(ranks), shorten(str(error), 300), math.nan), keep=lasting)
        return str(error)
    if not essentia.version():
        return ""  # there is nothing to compare with, and nothing else to be used
    subject = _subject(weights, session.digest)
    verdict = _recall(model, subject)
    if verdict is None:
        stage = f"comparing the engines, once for {model.title}"
        report(stage, 0, 1)
        try:
            with _alone(model, partial(report, stage, 0, 1)):
                verdict = _recall(model, subject)  # which another process may have come to meanwhile
                if verdict is None:
                    verdict = _compare(subject, model, weights, dict(ranks))
                    _note(model, verdict)
        except EmbvizError as error:
            # For want of time or memory, perhaps: not again for each track, but again in the next process.
            problem = shorten(f"It could not be compared with Essentia: {error}", 300)
            verdict = Verdict(subject, tuple(ranks), problem, math.nan)
            _note(model, verdict, keep=False)
        report(stage, 1, 1)
    return verdict.problem


@contextlib.contextmanager
def _alone(model: Model, check: Callable[[], None]) -> Iterator[None]:
    """Let one thread of one process at a time compare a model; `check` is called while it is waited for, and may raise.

    Where a folder has no locks, or another one never comes to an end, what is inside is done more than once: no harm.
    """
    from filelock import FileLock, Timeout

    folder, *_ = model_folders()
    lock = FileLock(folder / f".{model.name}.engines.lock")
    with contextlib.ExitStack() as held:
        for _ in range(MOST_WAITS):
            try:
                held.enter_context(lock.acquire(timeout=WAIT))
            except Timeout:
                check()
                continue
            except (OSError, NotImplementedError):
                pass
            break
        yield


def open_onnx(model: Model, weights: Weights, ranks: Mapping[str, int]) -> OnnxSession:
    """Return ONNX Runtime's session of a graph that gives some of its nodes; the parameters are those above."""
    rank = input_rank(model)
    session = sessions.open(weights.path, model.input_node, rank, ranks, engine="onnx", sha256=weights.sha256)
    return cast("OnnxSession", session)


def input_rank(model: Model) -> int:
    """Return the number of axes of what a model is fed with."""
    return len(model.input_shape) + (FRONTENDS[model.frontend].channels == 1)


def kept_verdicts(model: Model, weights: Weights) -> list[Verdict]:
    """Return what is known of the translations of a model's graph on this machine, with the versions that are here."""
    return [verdict for verdict in _read_all(model) if verdict.subject.endswith(_subject(weights, ""))]


def _subject(weights: Weights, translation: str) -> str:
    """Return what a verdict is about."""
    return " | ".join([translation, weights.sha256, f"embviz {__version__}", *_runtime(), processor_name()])


def _runtime() -> tuple[str, ...]:
    with contextlib.suppress(EngineError):  # which is said where it is needed
        runtime = load_runtime()
        return runtime.__version__, *runtime.get_available_providers()
    return ()


# What is kept. -------------------------------------------------------------------------------------------------------


def _recall(model: Model, subject: str) -> Verdict | None:
    if subject not in _known:
        _known.update({verdict.subject: verdict for verdict in _read_all(model) if verdict.subject == subject})
    return _known.get(subject)


def _read_all(model: Model) -> list[Verdict]:
    return [verdict for folder in model_folders() for verdict in _read(_memo(folder, model))]


def _memo(folder: Path, model: Model) -> Path:
    return folder / f"{model.name}.engines.json"


def _read(memo: Path) -> list[Verdict]:
    """Return the verdicts of a file; none where it is damaged."""
    try:
        return [_parse(kept) for kept in parse_json(memo.read_bytes())["verdicts"]]
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return []


def _parse(kept: Mapping[str, Any]) -> Verdict:
    texts = kept["subject"], kept["problem"], *kept["nodes"]
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise TypeError("text")
    return Verdict(kept["subject"], tuple(kept["nodes"]), kept["problem"], float(kept["difference"]))


def _note(model: Model, verdict: Verdict, *, keep: bool = True) -> None:
    """Remember a verdict, in this process and, if it is to be kept, beside the weights."""
    _known[verdict.subject] = verdict
    if not keep:
        return
    own, *_ = model_folders()
    memo = _memo(own, model)
    others = [kept for kept in _read(memo) if kept.subject != verdict.subject]
    kept = [asdict(one) for one in [*others, verdict][-MOST_KEPT:]]
    with contextlib.suppress(OSError):  # a read-only folder of weights only costs the time to compare again
        write_bytes(memo, json.dumps({"verdicts": kept}).encode(), sync=False)


# Comparing. ----------------------------------------------------------------------------------------------------------


def _compare(subject: str, model: Model, weights: Weights, ranks: dict[str, int]) -> Verdict:
    limits = {node: LIMITS.get(layer.name, LIMIT) for layer in model.known_layers for node in layer.nodes}
    differences = run_isolated(
        _measure_differences,
        weights,
        model.input_node,
        input_rank(model),
        ranks,
        sample_patches(model),
        what=f"the comparison of {model.name!r}",
    )
    shares = {node: difference / limits.get(node, LIMIT) for node, difference in differences.items()}
    worst = max(shares, key=lambda node: shares[node])
    problem = ""
    if not shares[worst] <= 1:
        problem = (
            f"At {worst!r} it differs from Essentia by {differences[worst]:.1e} of the standard deviation, at most "
            f"{limits.get(worst, LIMIT):.0e} was expected."
        )
    return Verdict(subject, tuple(ranks), problem, max(differences.values()))


def sample_patches(model: Model) -> list[PatchBatch]:
    """Return patches of a sample track as a model takes them: a few at its own hop, and some at finer ones."""
    frontend = FRONTENDS[model.frontend]
    source: NDArray[np.float32] = _sample_sound(model)
    if frontend.continuous:
        source = mel_spectrogram(source, frontend, exact=False)
    hops = [model.patch_hop]
    if frontend.channels == 1:
        frame = frontend.hop if frontend.continuous else 1
        hops += [max(1, round(FINE_HOP * model.sample_rate / frame)) * frame]
        hops += [frame] if frontend.continuous else []
    batches = []
    for n, hop in enumerate(hops):
        patches = cut_patches(source, frontend, patch_frames=model.patch_frames, hop=hop, exact=False)
        batches.append(patches.batch(0, min(len(patches), FINE_PATCHES if n else 1 + HOPS)))
    return batches


def _sample_sound(model: Model) -> NDArray[np.float32]:
    audio = Audio.open(sample_audio() / SAMPLE)
    stereo = FRONTENDS[model.frontend].channels == 2
    read = audio.stereo if stereo else audio.mono
    samples = read(model.sample_rate, quality=model.resample_quality, **({} if stereo else {"keep": False}))
    first, length = round(START * model.sample_rate), model.patch_samples + HOPS * model.patch_hop
    found = samples[first : first + length]
    if not len(found):
        raise AudioError(f"The sample track {SAMPLE!r} is too short.")
    return np.ascontiguousarray(found)


def _measure_differences(
    weights: Weights, input_node: str, input_rank: int, ranks: dict[str, int], batches: Sequence[PatchBatch]
) -> dict[str, float]:
    """Return by how much the engines differ at each node, as a share of the standard deviation of its values."""
    both = [
        sessions.open(weights.path, input_node, input_rank, ranks, engine=engine, sha256=weights.sha256)
        for engine in ("essentia", "onnx")
    ]
    found = dict.fromkeys(ranks, 0.0)
    for batch in batches:
        expected, translated = (session.run({input_node: batch}) for session in both)
        for node in ranks:
            found[node] = max(found[node], _difference(expected[node], translated[node]))
    sessions.clear()
    return found


def _difference(expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    if expected.shape != found.shape:
        return math.inf
    largest, deviation = float(np.abs(expected - found).max(initial=0)), float(expected.std(dtype=np.float64))
    difference = largest / (deviation or 1)
    return difference if math.isfinite(difference) else math.inf
