"""The engines that run networks: which may be asked for, whose results serve, and what of them belongs to a key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from embviz.audio.loaders import decoder_versions
from embviz.core import essentia
from embviz.errors import EngineError, OptionError, did_you_mean
from embviz.extraction.passes import onnx_ranks
from embviz.extraction.trust import find_problem
from embviz.inference.onnx_translation import TRANSLATION
from embviz.inference.session import Engine

if TYPE_CHECKING:
    from embviz.core.progress import Report
    from embviz.extraction.extract import LayerSpec

EngineOption: TypeAlias = Literal["auto", "essentia", "onnx"]

ENGINES: tuple[str, ...] = get_args(EngineOption)
FORMAT = 2  # of what ONNX Runtime is given and how its results are put together, raised when the numbers change


def check_engine(engine: Any) -> EngineOption:
    """Return what was given, checked to be the name of an engine or ``"auto"``."""
    if not isinstance(engine, str) or engine not in ENGINES:
        near = did_you_mean(str(engine), ENGINES)
        raise OptionError(f"engine is one of {', '.join(map(repr, ENGINES))}; {engine!r:.80} was found.{near}")
    return cast("EngineOption", engine)


def serving_engines(engine: EngineOption) -> tuple[EngineOption, ...]:
    """Return the engines whose results serve who asks for one, those first that are preferred."""
    return ("onnx", "essentia") if engine == "auto" else (engine,)


def engine_versions(engine: EngineOption) -> dict[str, str | int]:
    """Return what of an engine determines the numbers, as part of a key."""
    if engine == "essentia":
        return {"essentia": essentia.version()}
    return {
        "engine": engine,
        "onnxruntime": onnxruntime_version(),
        "translation": TRANSLATION,
        "engine_format": FORMAT,
        "decoding": describe_decoders(),
    }


def describe_decoders() -> str:
    """Return what decodes and resamples sound where Essentia does not, as part of a key."""
    return ", ".join(f"{name} {number}" for name, number in decoder_versions().items())


@cache
def onnxruntime_version() -> str:
    """Return the version of the installed ONNX Runtime; empty where there is none."""
    for package in ("onnxruntime", "onnxruntime-gpu"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return ""


def choose_engine(specs: Sequence[LayerSpec], report: Report) -> Engine:
    """Return the engine that gives some layers of one graph, for who asks as they do.

    Raises
    ------
    EngineError
        If the engine that is asked for cannot be had, with the reason.
    """
    asked, model = specs[0].engine, specs[0].model
    if asked == "essentia":
        essentia.check_installed("engine='essentia'")
        return "essentia"
    problem = find_problem(model, specs[0].weights, onnx_ranks(specs), report)
    if not problem:
        return "onnx"
    if asked == "onnx" or not essentia.is_installed():
        rest = "engine='auto' takes Essentia then" if essentia.is_installed() else essentia.describe_absence()
        raise EngineError(f"ONNX Runtime is not used for {model.name!r}: {problem.rstrip('.')}; {rest}.")
    return "essentia"
