"""What the dictionaries hold that cross to the page: the types of the traits of panel and atlas.

Conventions: everything is ready for JSON. ``view`` is a reference ``"IPY_MODEL_…"`` to a widget, or empty where there
is nothing to see yet; texts are shown as they are, whatever they contain. A trait that is an empty dictionary shows
nothing. In the atlas, ``track`` is a label of the table, ``point`` an index into a map's points, and ``at`` a moment in
seconds, or None where a whole track is meant.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict, TypeVar, cast

import traitlets

T = TypeVar("T")


def dict_trait(kind: type[T], what: str) -> traitlets.TraitType[T, T]:
    """Return a synced trait that holds a dictionary of a type of this module."""
    return cast("traitlets.TraitType[T, T]", traitlets.Dict(help=f"{what}; see {kind.__name__}").tag(sync=True))


def list_trait(kind: type[T], what: str) -> traitlets.TraitType[list[T], list[T]]:
    """Return a synced trait that holds a list of dictionaries of a type of this module."""
    trait: traitlets.List[Any] = traitlets.List(help=f"{what}; see {kind.__name__}").tag(sync=True)
    return cast("traitlets.TraitType[list[T], list[T]]", trait)


# Both pages. -------------------------------------------------------------------------------------------------------

Titles = dict[str, str]  # by name


class NameTitle(TypedDict):
    """Something that can be chosen."""

    name: str
    title: str


class Notice(TypedDict, total=False):
    """A message."""

    level: str  # error, info or done
    text: str
    remedy: str
    seq: int
    file: str  # that it is about: its path below the root of the Jupyter server; empty where there is none


class Progress(TypedDict, total=False):
    """The work that runs."""

    text: str
    done: int
    total: int


class Download(TypedDict, total=False):
    """The download of a model's weights, or why it failed."""

    done: int
    total: int
    stage: str
    error: str
    remedy: str


class LayerOption(TypedDict):
    """A layer of a model."""

    name: str
    shape: list[int]
    axes: str
    meaning: str
    receptive_field: str
    nodes: list[str]  # of the graph


class ModelOption(TypedDict):
    """A model, the state of its weights, and what it takes."""

    name: str
    title: str
    system: str
    system_title: str
    task: str
    parameters: int
    dimensions: int
    licence: str
    training_data: str
    note: str
    state: Literal["ready", "absent", "download"]
    bytes: int
    source: str
    patch: float  # seconds, as the next five
    hop: float
    finest: float
    finer: list[float]  # hops that are offered, in whole frames of the front-end
    longest: float
    fixed_hop: bool
    cost: float  # seconds of work per minute of sound, at the model's own hop …
    shared_cost: float  # … and of that what is the same at every hop
    layers: list[LayerOption]


class WorkState(TypedDict, total=False):
    """How far something is that is computed, and what shows it."""

    model: str
    layer: str
    title: str
    status: str  # empty, waiting, running, partial, ready, failed, cancelled or download
    stage: str
    done: int
    total: int
    message: str
    remedy: str
    view: str


# The panel. --------------------------------------------------------------------------------------------------------


class TrackItem(TypedDict):
    """A track of the list."""

    id: int
    name: str
    title: str
    artist: str
    album: str
    genre: str
    style: str
    bpm: float | None
    key: str
    seconds: float | None
    note: str
    problem: str
    warning: str


class HeatmapRow(WorkState, total=False):
    """A row: a heatmap, and below it what a head makes of it."""

    id: int
    hop: Any
    collapsed: bool
    facts: str
    height: int
    heads: list[NameTitle]
    head: str
    answer: WorkState | None


class Tempo(WorkState, total=False):
    """The tempo of the open track and its distribution."""

    bpm: float | None
    confidence: float | None
    bpms: list[float]
    shares: list[float]


class Stems(WorkState, total=False):
    """The separated sources of the open track."""

    models: list[str]
    names: list[str]


class Plane(WorkState, total=False):
    """The plane of valence and arousal, the heads that draw one, and how to get one where there is none."""

    heads: list[NameTitle]
    head: str
    hint: str


class Predictions(TypedDict, total=False):
    """Tags, tempo, plane and stems of the open track."""

    taggers: list[WorkState]
    tempo: Tempo
    plane: Plane
    stems: Stems


class LayerRow(WorkState, total=False):
    """A layer with its heatmap."""

    meaning: str
    shape: list[int]
    axes: str
    receptive_field: str
    has_feature_maps: bool
    constant: str


class Layers(WorkState, total=False):
    """The layers of a model, from input to output."""

    rows: list[LayerRow]
    feature_maps: WorkState


class Target(NameTitle):
    """A column that can be predicted, or why it cannot."""

    kind: NotRequired[str]  # classes, quantity or labels
    classes: int
    tracks: int
    fewest: int  # tracks of a class
    why: str
    kinds: NotRequired[list[str]]  # all that it can be taken for
    ask: NotRequired[str]  # what evaluate is told of its kind


class EvaluationOptions(TypedDict, total=False):
    """What models can be compared on, and what is chosen."""

    targets: list[Target]
    groups: list[NameTitle]
    folds: list[NameTitle]
    classifiers: Titles
    poolings: Titles
    layers: Titles
    kinds: Titles
    tracks: int
    from_collection: bool
    choices: dict[str, Any]  # as in app.explorer.evaluation_options
    extra_options: list[str]  # names of options from code


class EvaluationStatus(WorkState, total=False):
    """How far a comparison is, and what it will cost."""

    plan: str


class Scores(TypedDict, total=False):
    """The table of scores: as :meth:`embviz.Evaluation` draws it, a row per task with the ``items`` compared."""

    rows: list[dict[str, Any]]
    headings: Titles
    caption: str
    notes: list[str]
    has_external: bool
    choices: dict[str, Any]


class ConfusionState(TypedDict, total=False):
    """The confusion matrix of a cell of the scores."""

    cell: int
    title: str
    task: str
    tracks: int
    wrong: int
    kind: str  # classes, quantity or labels
    error: str  # mean absolute error of a quantity
    labels: list[dict[str, Any]]  # of several per track: label, tracks, and the scores of each
    label: int  # place of the one that the matrix shows; -1: none
    can_train_head: bool
    view: str
    training: WorkState


class UnitRow(TypedDict):
    """A dimension of a layer in the list; numbers are None where they are not known."""

    dimension: int
    label: str  # the model's own name for it, or empty
    name: str  # of the tag it goes with on tracks that were held back, or empty
    r: float | None
    low: float | None
    high: float | None
    selectivity: float | None
    zeros: float  # share of frames
    effect: float | None  # how far it separates the selection from the rest
    hint: str


class UnitPageState(WorkState, total=False):
    """The dimensions of a layer: how far their analysis is, what it costs, and how they are listed."""

    plan: str  # what there is to compute; empty once it is
    rows: list[UnitRow]
    order: list[int]  # the dimensions that are listed, from the top
    matches: dict[int, str]  # what a search has found of dimensions that have another name
    sort: str
    sorts: Titles
    search: str
    examples: list[str]  # of what a search finds
    said: str  # what the search has found, or why there is nothing
    bins: int  # of the histograms
    notes: list[str]


class UnitState(WorkState, total=False):
    """The card that is open: a dimension, its card, and its moments."""

    dimension: int
    highest: str
    lowest: str


class UnitTag(TypedDict):
    """A tag, its correlation with a dimension over frames, the interval, and what that is on tracks held back."""

    name: str
    r: float
    low: float | None
    high: float | None
    held_back: float | None
    tracks: int | None


class UnitColumn(TypedDict):
    """A column of the table that a dimension separates."""

    name: str
    text: str
    hint: str


class UnitLink(TypedDict):
    """A dimension that behaves like another one."""

    dimension: int
    title: str
    r: float


class UnitPicture(TypedDict):
    """A small picture of bands × time: how it is called, and what its axes and colors mean."""

    title: str
    hint: str
    shape: list[int]  # time and bands
    hz: list[float]  # lowest and highest band
    seconds: float  # of all columns
    low: float
    high: float
    unit: str
    signed: bool


class UnitCardState(TypedDict, total=False):
    """What is known of a dimension."""

    dimension: int
    title: str
    about: str  # model and layer
    unit: str
    frames: int
    tracks: int
    named: bool
    sentence: list[list[str]]  # parts of text, each with what it is: "text" or "name"
    tags: list[UnitTag]
    basis: str  # what the correlations were measured on
    columns: list[UnitColumn]
    alike: list[UnitLink]
    facts: list[list[str]]  # names and texts
    notes: list[str]
    edges: list[float]
    shares: list[float]  # of the collection's frames in each bin
    own: list[float]  # of the open track's frames
    track: str  # title of the open track; empty: it is not in the collection
    pictures: list[UnitPicture]


# The atlas. --------------------------------------------------------------------------------------------------------


class MapState(WorkState, total=False):
    """A map."""

    facts: list[str]  # the first begins with the method
    notes: list[str]
    preliminary: bool  # it is another method's, until the one that was asked for is ready
    axes: bool  # its points lie along axes, not where the method has put them


class OpenHeatmap(TypedDict, total=False):
    """The heatmap of the open track by the model of the map."""

    view: str
    title: str
    layer: str


class MethodOption(NameTitle):
    """An option of a method."""

    kind: str  # int, float or choice
    value: Any  # the one recommended
    min: Any
    max: Any
    step: Any
    choices: list[str]
    help: str


class Method(NameTitle):
    """A method of maps or clusters."""

    available: bool
    why: str
    options: list[MethodOption]


class KeyTitle(TypedDict):
    """What points can be colored or sized by."""

    key: str
    title: str


class ColorGroup(TypedDict):
    """Colors under one heading."""

    title: str
    items: list[KeyTitle]


class FacetColumn(TypedDict):
    """A column to filter by; see :mod:`embviz.export.facets`."""

    key: str
    title: str
    kind: str  # number or category
    unit: str
    labels: list[str]


class FacetFilter(TypedDict, total=False):
    """What passes of a column: a range of numbers, or some of the categories; and what is not known."""

    range: list[float] | None
    values: list[str]
    unknown: bool


class Counts(TypedDict, total=False):
    """How many there are of each."""

    tracks: int
    points: int
    problems: int
    duplicates: int


class Problem(TypedDict):
    """A file that cannot be used."""

    name: str
    problem: str


class ListedTrack(TypedDict):
    """What every list names a track by."""

    track: int
    title: str
    artist: str


class TrackFacts(ListedTrack):
    """What the selection shows of a track."""

    album: str
    genre: str
    seconds: float | None


class SelectedItem(TrackFacts):
    """A selected track or frame."""

    at: float | None


class SelectionState(TypedDict, total=False):
    """The selection: how many, their seconds, the first rows, and how many more there are."""

    count: int
    seconds: float
    rows: list[SelectedItem]
    more: int


class NeighborItem(ListedTrack):
    """A point near the query."""

    point: int
    at: float | None
    distance: float


class AgreementItem(ListedTrack):
    """A point, and the share of its neighbors that two models agree on."""

    point: int
    overlap: float | None


class Query(TypedDict):
    """What neighbors are of."""

    title: str
    kind: str  # track, frame, selection or file


class NeighborList(TypedDict, total=False):
    """The nearest neighbors of a query."""

    of: Query
    metric: str
    exact: bool
    k: int
    items: list[NeighborItem]
    message: str


class TagLift(TypedDict):
    """A tag, and its lift in a cluster; see :func:`embviz.analysis.clustering.lifts`."""

    tag: str
    lift: float


class ClusterItem(TypedDict):
    """A cluster; id -1 are the points in none."""

    id: int
    name: str
    auto: str  # the name that was found
    count: int
    tags: list[TagLift]


class ClusterList(TypedDict, total=False):
    """The clusters of the map."""

    method: str
    scale: str
    items: list[ClusterItem]
    message: str


class AgreementState(TypedDict, total=False):
    """How far two models agree, and the tracks on which they agree least."""

    cka: float | None
    overlap: float | None
    hubness: list[float | None]
    k: int
    items: list[AgreementItem]


class ContrastRow(TypedDict):
    """A dimension, and how far it separates two groups; see :class:`embviz.units.contrast.Contrast`."""

    key: str  # as an axis
    title: str
    name: str  # a tag that it goes with, or empty
    effect: float | None
    low: float | None
    high: float | None
    p: float | None  # corrected for all dimensions
    auc: float | None
    sure: bool  # whether it can be told from chance


class ContrastState(TypedDict, total=False):
    """What separates two groups of tracks."""

    groups: dict[str, int]  # how many tracks were kept as a and b
    message: str
    title: str
    ends: list[str]
    key: str  # of the direction, as an axis
    auc: float | None
    notes: list[str]
    rows: list[ContrastRow]
    more: int


class QueueItem(ListedTrack):
    """A track, or a moment of one, that waits to be played."""

    seconds: float | None
    at: float | None


class Queue(TypedDict, total=False):
    """What plays, one after the other."""

    items: list[QueueItem]
    at: int
    playing: bool
