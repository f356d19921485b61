"""Graphs of heads as Essentia's files are, with random weights; descriptions; and what Essentia makes of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import architectures
import numpy as np
import pytest

from embviz.core.embedding import Embedding, FrameGrid

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "reference"
REFERENCE = Path(os.environ.get("EMBVIZ_REFERENCE", BESIDE))


needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference graphs are not here")


def frames(t: int, d: int, *, model: str = "msd-musicnn-1", layer: str = "embedding", seed: int = 0) -> Embedding:
    values = np.random.default_rng(seed).normal(1, 3, (t, d)).astype(np.float32)
    return Embedding(values, FrameGrid(16000, 1600, 1600, 1600, 0, t, 1600 * t), model, layer, title="a track")


class Built(architectures.Net):
    """A head as in Essentia's files, which can tell its numbers without TensorFlow."""

    def __init__(self, d: int, classes: int, *, end: str = "Softmax", begins: bool = True, seed: int = 4):
        super().__init__(seed)
        self.end, self.begins = end, begins
        data = self.placeholder("model/Placeholder", -1, d)
        if begins:  # what MusiCNN has between its embedding and its last layer
            data = self.add("model/re_lu/Relu", "Relu", data)
            data = self.add("model/norm/mul", "Mul", data, self.uniform("gamma", d, low=0.5, high=1.5))
            data = self.add("model/norm/add", "AddV2", data, self.normal("beta", d, scale=0.5))
        data = self.dense("model/dense", data, d, 100)
        data = self.add("model/dense/Relu", "Relu", data)
        data = self.dense("model/dense_1", data, 100, classes)
        self.add(f"model/{end}", end, data)

    def answers(self, values: np.ndarray) -> np.ndarray:
        from tensorboard.util.tensor_util import make_ndarray

        told = {node.name: make_ndarray(node.attr["value"].tensor) for node in self.graph.node if node.op == "Const"}
        values = values.astype(np.float64)
        if self.begins:
            values = np.maximum(values, 0) * told["gamma"] + told["beta"]
        values = np.maximum(values @ told["model/dense/weights"] + told["model/dense/bias"], 0)
        values = values @ told["model/dense_1/weights"] + told["model/dense_1/bias"]
        if self.end == "Sigmoid":
            return 1 / (1 + np.exp(-values))
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def write(self, path: Path, **told: Any) -> Path:
        path.write_bytes(self.graph.SerializeToString())
        if told:
            path.with_suffix(".json").write_text(json.dumps(told), encoding="utf-8")
        return path


def told(classes: list[str], /, **changed: Any) -> dict[str, Any]:
    """Return a description like those of Essentia's heads."""
    return {
        "name": "mood happy",
        "description": "classification of music by mood",
        "classes": classes,
        "dataset": {"name": "a collection", "size": "302 tracks", "metrics": {"5-fold_accuracy": 0.81, "odd": None}},
        "schema": {
            "inputs": [{"name": "model/Placeholder", "type": "float", "shape": ["batch_size", 200]}],
            "outputs": [{"name": "model/Softmax", "shape": [2], "op": "Softmax", "output_purpose": "predictions"}],
        },
        "inference": {
            "sample_rate": 16000,
            "algorithm": "TensorflowPredict2D",
            "embedding_model": {"algorithm": "TensorflowPredictMusiCNN", "model_name": "msd-musicnn-1"},
        },
        **changed,
    }


def essentia_says(path: Path, values: np.ndarray, output: str, **options: str) -> np.ndarray:
    from embviz.core import essentia

    standard = essentia.standard()
    with essentia.quiet:
        return np.asarray(standard.TensorflowPredict2D(graphFilename=str(path), output=output, **options)(values))


def regression(bands: int = 200) -> Built:
    """Return a head like that of emoMusic: a flattened input, one dense layer, and no probabilities at its end."""
    built = Built(bands, 2)
    built.graph = type(built.graph)(versions=built.graph.versions)
    data = built.placeholder("flatten_in_input", -1, 1, bands)
    data = built.reshape("flatten", data, -1, bands)
    kernel = built.normal("dense_out/kernel", bands, 2, scale=0.1)
    product = built.add("prefix_dense_out", "MatMul", data, kernel)
    built.add("dense_out", "Add", product, built.normal("dense_out/bias", 2, scale=0.1))
    return built


def noise(seconds: float) -> tuple[np.ndarray, int]:
    return np.random.default_rng(0).normal(0, 0.1, int(16000 * seconds)).astype(np.float32), 16000
