"""What is to be cited: papers and software as BibTeX, in one place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from embviz._version import __version__

#: More authors than these are named by the first one in a sentence.
_AUTHORS_IN_FULL = 4
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
#: LaTeX's commands for the accents of Unicode.
_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030c": "v", "\u0327": "c"}
_PLAIN_ENTRY = re.compile(r"@(\w+)\s*\{\s*([\w:.+/-]+)\s*,(.*)\}\s*", flags=re.DOTALL)
_COMMAND = re.compile(r"\\(?![`'^\"~&%#_$]|[vc]\b)")


@dataclass(frozen=True)
class Reference:
    """A paper or a piece of software that is to be cited.

    Parameters
    ----------
    key : str
        What it is cited by.
    kind : {"article", "inproceedings", "misc"}
        Type of the BibTeX entry.
    title : str
        Its title.
    authors : tuple of str
        ``"Family, Given"``; a name without a comma is that of a group.
    venue : str
        Journal or proceedings; empty for what was not published in any.
    short : str
        The same in a word or two, for a sentence.
    year : int
        0 where it is not known.
    details : mapping of str to str
        Further fields of the entry: ``volume``, ``number``, ``pages``, ``doi``, ``url``, ``note``.
    verbatim : str
        The entry itself, where it came as one.

    Examples
    --------
    >>> from embviz.models.references import REFERENCES
    >>> print(REFERENCES["maaten2008visualizing"])
    L. van der Maaten and G. Hinton, Visualizing data using t-SNE, Journal of Machine Learning Research, 2008
    """

    key: str
    kind: str
    title: str
    authors: tuple[str, ...] = ()
    venue: str = ""
    short: str = ""
    year: int = 0
    details: Mapping[str, str] = field(default_factory=dict)
    verbatim: str = ""

    def bibtex(self) -> str:
        """Return the BibTeX entry; whatever LaTeX would interpret is escaped."""
        if self.verbatim:
            return self.verbatim
        venue = {"article": "journal", "inproceedings": "booktitle"}.get(self.kind, "howpublished")
        fields = {
            "title": f"{{{escape(self.title)}}}",
            "author": " and ".join(escape(name) if "," in name else f"{{{escape(name)}}}" for name in self.authors),
            venue: escape(self.venue),
            "year": str(self.year or ""),
        }
        # Web addresses are constants of this module, and are taken as they stand.
        fields |= {name: text if name == "url" else escape(text) for name, text in self.details.items()}
        lines = "".join(f"  {name} = {{{text}}},\n" for name, text in fields.items() if text)
        return f"@{self.kind}{{{self.key},\n{lines}}}"

    def __str__(self) -> str:
        names = [_initials(name) for name in self.authors]
        if len(names) > _AUTHORS_IN_FULL:
            authors = f"{names[0]} et al."
        else:
            authors = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
        year = str(self.year or "")
        place = [f"{self.short} {year}".strip()] if self.short else [self.venue, year]
        return ", ".join(filter(None, [authors, self.title, *place]))


def escape(text: str) -> str:
    r"""Return a text as LaTeX shows it, on one line: nothing in it is a command, and accents are LaTeX's.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str

    Examples
    --------
    >>> print(escape("Müller & Söhne_2"))
    M{\"u}ller \& S{\"o}hne\_2
    """
    shown = "".join(char for char in " ".join(text.split()) if unicodedata.category(char)[0] != "C")
    return "".join(_letter(char) for char in shown)


def _letter(char: str) -> str:
    parts = unicodedata.normalize("NFD", char)
    base, accents = parts[:1], parts[1:]
    if accents in _ACCENTS and base.isascii():
        command = _ACCENTS[accents]
        return f"{{\\{command} {base}}}" if command.isalpha() else f"{{\\{command}{base}}}"
    return _SPECIAL.get(char, char)


def _initials(name: str) -> str:
    family, _, given = name.partition(", ")
    if not given:
        return name
    return f"{' '.join('-'.join(f'{part[0]}.' for part in word.split('-')) for word in given.split())} {family}"


def described_by(*keys: str) -> dict[str, Any]:
    """Return the fields of a model's record that name its papers, by their keys."""
    return {"citation": "; ".join(str(REFERENCES[key]) for key in keys), "references": keys}


def references_in(text: str, key: str, title: str) -> list[Reference]:
    """Return what the record of a model or head by others says is to be cited.

    Parameters
    ----------
    text : str
        A BibTeX entry, or a sentence; empty where nothing is said.
    key, title : str
        For an entry that is made of a sentence.

    Returns
    -------
    list of Reference
        The entry of :data:`REFERENCES` where it is known; one that holds no command of LaTeX but accents as it stands;
        all else as an escaped note.
    """
    text = text.strip()
    if not text:
        return []
    entry = _PLAIN_ENTRY.fullmatch(text)
    if entry and entry[2] in REFERENCES:
        return [REFERENCES[entry[2]]]
    if entry and "@" not in entry[3] and not _COMMAND.search(text) and _is_balanced(text):
        return [Reference(entry[2], entry[1].lower(), title, verbatim=text)]
    return [Reference(re.sub(r"[^\w-]", "", key, flags=re.ASCII) or "model", "misc", title, details={"note": text})]


def _is_balanced(text: str) -> bool:
    """Return whether the braces of an entry close at its end, and no control character is in it."""
    depth = 0
    for place, char in enumerate(text.rstrip()):
        depth += (char == "{") - (char == "}")
        if depth < 0 or (depth == 0 and char == "}" and place < len(text.rstrip()) - 1):
            return False
        if unicodedata.category(char)[0] == "C" and char not in "\n\r\t":
            return False
    return depth == 0


_ISMIR = "International Society for Music Information Retrieval Conference (ISMIR)"
_ICASSP = "International Conference on Acoustics, Speech and Signal Processing (ICASSP)"
_ALONSO, _BOGDANOV, _SERRA = "Alonso-Jiménez, Pablo", "Bogdanov, Dmitry", "Serra, Xavier"


def _references() -> Iterable[Reference]:
    yield Reference(
        "embviz",
        "misc",
        "embviz: see and hear what deep audio models compute",
        ("The embviz contributors",),
        details={"note": f"Version {__version__}", "url": "https://github.com/embviz/embviz"},
    )
    yield Reference(
        "alonso2020deep",
        "misc",
        "Deep embeddings with Essentia models",
        (_ALONSO, _BOGDANOV, _SERRA),
        f"Late-breaking demo, {_ISMIR}",
        "ISMIR late-breaking demo",
        2020,
    )
    yield Reference(
        "alonso2020tensorflow",
        "inproceedings",
        "TensorFlow audio models in Essentia",
        (_ALONSO, _BOGDANOV, "Pons, Jordi", _SERRA),
        _ICASSP,
        "ICASSP",
        2020,
        {"doi": "10.1109/ICASSP40776.2020.9054688"},
    )
    yield Reference(
        "pons2019musicnn",
        "inproceedings",
        "musicnn: pre-trained convolutional neural networks for music audio tagging",
        ("Pons, Jordi", _SERRA),
        f"Late-breaking demo, {_ISMIR}",
        "ISMIR late-breaking demo",
        2019,
    )
    yield Reference(
        "schreiber2019musical",
        "inproceedings",
        "Musical tempo and key estimation using convolutional neural networks with directional filters",
        ("Schreiber, Hendrik", "Müller, Meinard"),
        "Sound and Music Computing Conference (SMC)",
        "SMC",
        2019,
        {"pages": "47--54", "doi": "10.5281/zenodo.3249250"},
    )
    yield Reference(
        "cramer2019look",
        "inproceedings",
        "Look, listen and learn more: design choices for deep audio embeddings",
        ("Cramer, Jason", "Wu, Ho-Hsiang", "Salamon, Justin", "Bello, Juan Pablo"),
        _ICASSP,
        "ICASSP",
        2019,
        {"pages": "3852--3856"},
    )
    yield Reference(
        "hershey2017cnn",
        "inproceedings",
        "CNN architectures for large-scale audio classification",
        (
            "Hershey, Shawn", "Chaudhuri, Sourish", "Ellis, Daniel P. W.", "Gemmeke, Jort F.", "Jansen, Aren",
            "Moore, R. Channing", "Plakal, Manoj", "Platt, Devin", "Saurous, Rif A.", "Seybold, Bryan",
            "Slaney, Malcolm", "Weiss, Ron J.", "Wilson, Kevin",
        ),
        _ICASSP,
        "ICASSP",
        2017,
        {"pages": "131--135", "doi": "10.1109/ICASSP.2017.7952132"},
    )  # fmt: skip
    yield Reference(
        "plakal_yamnet",
        "misc",
        "YAMNet",
        ("Plakal, Manoj", "Ellis, Dan"),
        "TensorFlow Model Garden",
        details={"url": "https://github.com/tensorflow/models/tree/master/research/audioset/yamnet"},
    )
    yield Reference(
        "fonseca2021shift",
        "misc",
        "Improving sound event classification by increasing shift invariance in convolutional neural networks",
        ("Fonseca, Eduardo", "Ferraro, Andres", _SERRA),
        "arXiv:2107.00623",
        year=2021,
    )
    yield Reference(
        "kim2018crepe",
        "inproceedings",
        "CREPE: a convolutional representation for pitch estimation",
        ("Kim, Jong Wook", "Salamon, Justin", "Li, Peter", "Bello, Juan Pablo"),
        _ICASSP,
        "ICASSP",
        2018,
        {"pages": "161--165"},
    )
    yield Reference(
        "alonso2022music",
        "inproceedings",
        "Music representation learning based on editorial metadata from Discogs",
        (_ALONSO, _SERRA, _BOGDANOV),
        _ISMIR,
        "ISMIR",
        2022,
    )
    yield Reference(
        "alonso2023efficient",
        "inproceedings",
        "Efficient supervised training of audio transformers for music representation learning",
        (_ALONSO, _SERRA, _BOGDANOV),
        _ISMIR,
        "ISMIR",
        2023,
    )
    yield Reference(
        "spleeter2020",
        "article",
        "Spleeter: a fast and efficient music source separation tool with pre-trained models",
        ("Hennequin, Romain", "Khlif, Anis", "Voituret, Felix", "Moussallam, Manuel"),
        "Journal of Open Source Software",
        "JOSS",
        2020,
        {"volume": "5", "number": "50", "pages": "2154", "doi": "10.21105/joss.02154"},
    )
    yield Reference(
        "davis1980comparison",
        "article",
        "Comparison of parametric representations for monosyllabic word recognition in continuously spoken sentences",
        ("Davis, S.", "Mermelstein, P."),
        "IEEE Transactions on Acoustics, Speech, and Signal Processing",
        year=1980,
        details={"volume": "28", "number": "4", "pages": "357--366", "doi": "10.1109/TASSP.1980.1163420"},
    )
    yield Reference(
        "fujishima1999realtime",
        "inproceedings",
        "Realtime chord recognition of musical sound: a system using Common Lisp Music",
        ("Fujishima, T.",),
        "International Computer Music Conference (ICMC)",
        "ICMC",
        1999,
        {"pages": "464--467"},
    )
    yield Reference(
        "mcinnes2018umap",
        "article",
        "UMAP: Uniform Manifold Approximation and Projection",
        ("McInnes, Leland", "Healy, John", "Saul, Nathaniel", "Grossberger, Lukas"),
        "Journal of Open Source Software",
        "JOSS",
        2018,
        {"volume": "3", "number": "29", "pages": "861"},
    )
    yield Reference(
        "rubin1981bayesian",
        "article",
        "The Bayesian bootstrap",
        ("Rubin, Donald B.",),
        "The Annals of Statistics",
        year=1981,
        details={"volume": "9", "number": "1", "pages": "130--134"},
    )
    yield Reference(
        "phipson2010permutation",
        "article",
        "Permutation p-values should never be zero: calculating exact p-values when permutations are randomly drawn",
        ("Phipson, Belinda", "Smyth, Gordon K."),
        "Statistical Applications in Genetics and Molecular Biology",
        year=2010,
        details={"volume": "9", "number": "1"},
    )
    yield Reference(
        "holm1979simple",
        "article",
        "A simple sequentially rejective multiple test procedure",
        ("Holm, Sture",),
        "Scandinavian Journal of Statistics",
        year=1979,
        details={"volume": "6", "number": "2", "pages": "65--70"},
    )
    yield Reference(
        "pedregosa2011scikit",
        "article",
        "Scikit-learn: machine learning in Python",
        (
            "Pedregosa, Fabian", "Varoquaux, Gaël", "Gramfort, Alexandre", "Michel, Vincent", "Thirion, Bertrand",
            "Grisel, Olivier", "Blondel, Mathieu", "Prettenhofer, Peter", "Weiss, Ron", "Dubourg, Vincent",
            "Vanderplas, Jake", "Passos, Alexandre", "Cournapeau, David", "Brucher, Matthieu", "Perrot, Matthieu",
            "Duchesnay, Édouard",
        ),
        "Journal of Machine Learning Research",
        "JMLR",
        2011,
        {"volume": "12", "pages": "2825--2830"},
    )  # fmt: skip
    yield Reference(
        "maaten2008visualizing",
        "article",
        "Visualizing data using t-SNE",
        ("van der Maaten, Laurens", "Hinton, Geoffrey"),
        "Journal of Machine Learning Research",
        year=2008,
        details={"volume": "9", "pages": "2579--2605"},
    )
    yield Reference(
        "wang2021understanding",
        "article",
        "Understanding how dimension reduction tools work: an empirical approach to deciphering t-SNE, UMAP, TriMap, "
        "and PaCMAP for data visualization",
        ("Wang, Yingfan", "Huang, Haiyang", "Rudin, Cynthia", "Shaposhnik, Yaron"),
        "Journal of Machine Learning Research",
        year=2021,
        details={"volume": "22", "number": "201", "pages": "1--73"},
    )


#: All that embviz cites, by key.
REFERENCES: Mapping[str, Reference] = MappingProxyType({reference.key: reference for reference in _references()})
