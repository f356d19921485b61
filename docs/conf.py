"""How the site is made, by ``make docs``.

Its source is the repository itself, so that links between documents, lessons and the rest are the same on the site and
in a listing of the repository. Nothing that a page needs comes from a network.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import shutil
import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from docutils import nodes
from numpydoc.xref import DEFAULT_LINKS
from sphinx.addnodes import desc_signature, pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.inspect import stringify_signature
from traitlets import HasTraits

import embviz

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))


def _lessons_of_this_code(folder: Path) -> Path:
    """Return where the outputs of lessons are kept, which differs for each embviz; those of others are removed."""
    sources = sorted(path for suffix in ("py", "js", "css") for path in (ROOT / "embviz").glob(f"**/*.{suffix}"))
    digest = hashlib.sha256()
    for path in sources:
        if "node_modules" not in path.parts:
            digest.update(path.read_bytes())
    own = folder / digest.hexdigest()[:16]
    for other in folder.glob("*"):
        if other != own:
            shutil.rmtree(other, ignore_errors=True)
    return own


project = "embviz"
author = "the embviz developers"
project_copyright = "the embviz developers"
version = release = embviz.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
    "lessons",
    "finish",
]

# Sources. -------------------------------------------------------------------------------------------------------------

root_doc = "docs/index"
include_patterns = ["docs/**", "notebooks/*.ipynb", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "**/.*", "build", "dist", "node_modules", "**/node_modules", "embviz", "tests"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 4

# Figures of plotly are pictures here: their scripts would come from a network.
os.environ["PLOTLY_RENDERER"] = "plotly_mimetype+svg"
nb_execution_mode = os.environ.get("EMBVIZ_LESSONS", "cache")
nb_execution_cache_path = str(_lessons_of_this_code(ROOT / "build" / "lessons"))
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
# Libraries say there what they miss on the machine that the site is built on.
nb_output_stderr = "remove"
nb_ipywidgets_js: dict[str, Any] = {}
nb_mime_priority_overrides = [("html", "image/svg+xml", 0), ("html", "image/png", 5)]
suppress_warnings = ["mystnb.unknown_mime_type"]

# Names. ---------------------------------------------------------------------------------------------------------------

nitpicky = True
# Foreign names are not linked, which would take their inventories from a network.
nitpick_ignore_regex = [("py:.*", r"(?!embviz\b).*")]
add_module_names = False
# Docstrings say types in words. Those of the code are unions of private names that fill a screen.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# Methods of a base, properties and names of other rooms are led to their source below.
viewcode_follow_imported_members = False
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
numpydoc_xref_param_type = True
DEFAULT_LINKS.clear()  # words such as "str" are not led to other sites
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {name: f"embviz.{name}" for name in embviz.__all__ if isinstance(getattr(embviz, name), type)}
autodoc_default_options = {"inherited-members": True}

# Looks. ---------------------------------------------------------------------------------------------------------------

html_theme = "furo"
html_title = "embviz"
html_static_path = ["static"]
templates_path = ["templates"]
html_favicon = "static/favicon.svg"
html_search_scorer = str(ROOT / "docs" / "static" / "scorer.js")
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
copybutton_exclude = ".linenos, .gp, .go"


def _pair_with_dark(app: Sphinx, doctree: nodes.document) -> None:
    """Show the dark picture beside each light one, where there is one; the theme hides the other."""
    for image in list(doctree.findall(nodes.image)):
        dark = image["uri"].replace("-light.", "-dark.")
        source = Path(app.env.doc2path(app.env.docname)).parent
        if dark == image["uri"] or not (source / dark).exists():
            continue
        image["classes"].append("only-light")
        other = image.deepcopy()
        other["uri"] = dark
        other["classes"][-1] = "only-dark"
        image.parent.insert(image.parent.index(image) + 1, other)


def _object_of(name: str) -> object:
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part, None)
        return found
    return None


def _code_of(found: Any) -> Any:
    """Return the function behind a property, which says where it is written."""
    return inspect.unwrap(getattr(found, "fget", None) or getattr(found, "func", None) or found)


def _leave_out(app: Sphinx, what: str, name: str, found: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a class has from another library, and on pages of rooms what is described on the first page."""
    if what == "module":
        first = [getattr(embviz, each) for each in embviz.__all__]
        return True if not app.env.docname.endswith("/embviz") and any(found is each for each in first) else None
    code = getattr(found, "__objclass__", None) or _code_of(found)  # methods of built-in classes have no module
    home = getattr(code, "__module__", None) or "embviz"
    return None if home.startswith("embviz") else True


def _signature(
    app: Sphinx, what: str, name: str, found: Any, options: Any, signature: str, returned: str
) -> tuple[str, str] | None:
    """Take the signature of a class with traits from where it is written; traitlets hides it."""
    if what != "class" or not issubclass(found, HasTraits):
        return None
    own = inspect.signature(found.__init__)
    own = own.replace(parameters=list(own.parameters.values())[1:], return_annotation=inspect.Signature.empty)
    return stringify_signature(own, unqualified_typehints=True), returned


def _keep_initials(app: Sphinx, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Take an initial at the start of a line, as of an author, for that rather than for the number of a list."""
    lines[:] = [re.sub(r"^(\s*(?:\.\. \[[^]]+\] )?[A-Z])\. ", r"\1\\. ", line) for line in lines]


def _lead_to_source(app: Sphinx, doctree: nodes.document) -> None:
    """Tell viewcode where each name is written, which need not be where it is offered."""
    for node in doctree.findall(desc_signature):
        # A function may have the name of the module that it is written in.
        found = _code_of(attrgetter(node["fullname"])(import_module(node["module"])))
        if getattr(found, "__qualname__", None) and str(getattr(found, "__module__", "")).startswith("embviz"):
            node["module"], node["fullname"] = found.__module__, found.__qualname__


def _under_another_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement) -> Any:
    """Lead a name to where the same object is described; the build names those that have no description."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target:
        return None
    names = [target, f"{node.get('py:module')}.{target}"]
    meant = next((found for found in map(_object_of, names) if found is not None), None)
    if meant is None:
        return None
    for name, entry in env.domains.python_domain.objects.items():
        if name.rpartition(".")[2] == target.rpartition(".")[2] and _object_of(name) is meant:
            address = f"{app.builder.get_relative_uri(node['refdoc'], entry.docname)}#{entry.node_id}"
            return nodes.reference("", "", content, internal=True, refuri=address)
    return None


def setup(app: Sphinx) -> None:
    """Tell Sphinx of the hooks above."""
    app.connect("doctree-read", _pair_with_dark, priority=100)
    app.connect("missing-reference", _under_another_name)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-process-docstring", _keep_initials, priority=900)
    app.connect("doctree-read", _lead_to_source, priority=100)
    app.connect("autodoc-skip-member", _leave_out)
