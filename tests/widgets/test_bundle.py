"""How the scripts of the widgets are put together for the browser."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from embviz.widgets import bundle

WIDGETS = sorted(path.stem for path in bundle.FOLDER.glob("*.py") if path.with_suffix(".js").exists())
SCRIPTS = sorted(path.stem for path in bundle.FOLDER.glob("*.js"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for scripts in place of the shipped one."""
    monkeypatch.setattr(bundle, "FOLDER", tmp_path)
    caches = (bundle.script, bundle.style, bundle._text)
    for cached in caches:
        cached.cache_clear()
    yield tmp_path
    for cached in caches:
        cached.cache_clear()


def run_node(text, tmp_path):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    file = tmp_path / "joined.mjs"
    file.write_text(text, "utf-8")
    return subprocess.run(["node", str(file)], capture_output=True, text=True, check=True).stdout


def test_modules_keep_their_own_scope(folder, tmp_path):
    (folder / "a.js").write_text(
        "export const size = 2;\nconst own = 3;\nexport function twice(x) { return x * size; }\n"
    )
    (folder / "b.js").write_text(
        'import { size, twice as double } from "./a.js";\nconst own = 4;\n'
        "export class Thing { get() { return [own, size, double(own)]; } }\nexport default { Thing };\n"
    )
    text = bundle.script("b") + "console.log(JSON.stringify(new _b.Thing().get()));"
    assert run_node(text, tmp_path).strip() == "[4,2,8]"


def test_a_module_that_two_import_is_there_once(folder):
    (folder / "base.js").write_text("export const one = 1;\n")
    (folder / "left.js").write_text('import { one } from "./base.js";\nexport const left = one;\n')
    (folder / "right.js").write_text(
        'import { one } from "./base.js";\nimport { left } from "./left.js";\nexport default { sum: one + left };\n'
    )
    assert bundle.script("right").count("const _base =") == 1


def test_comments_stay_behind_and_code_beside_them_does_not(folder, tmp_path):
    (folder / "a.js").write_text(
        "/** What it is. */\n/**\n * More.\n * @param {string} b\n */\nexport function url(b) {\n  // Why.\n"
        '  const way = /** @type {string} */ ("http://");\n  return way + b; // kept\n}\n/** Last. */\n'
    )
    text = bundle.script("a")
    assert not any(word in text for word in ("What", "More", "Why", "Last"))
    assert (
        run_node(text.replace("export default", "void") + 'console.log(_a.url("b//c"));', tmp_path) == "http://b//c\n"
    )


def test_a_circle_is_told(folder):
    (folder / "a.js").write_text('import { b } from "./b.js";\nexport const a = 1;\n')
    (folder / "b.js").write_text('import { a } from "./a.js";\nexport const b = 1;\n')
    with pytest.raises(ValueError, match="a → b → a"):
        bundle.script("a")


def test_a_widget_has_the_sheets_of_what_it_imports(folder):
    (folder / "theme.css").write_text("/* theme */")
    (folder / "parts.js").write_text("export const one = 1;\n")
    (folder / "parts.css").write_text("/* parts */")
    (folder / "own.js").write_text('import { one } from "./parts.js";\nexport default { one };\n')
    (folder / "own.css").write_text("/* own */")
    assert bundle.style("own") == "/* theme */\n/* parts */\n/* own */"


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_import_and_export_is_written_the_way_that_is_understood(name):
    text = (bundle.FOLDER / f"{name}.js").read_text("utf-8")
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    imports = re.findall(r"^[ \t]*import\b.*", code, re.MULTILINE)
    assert all(bundle._IMPORT.fullmatch(f"{line}\n") for line in imports), imports
    exports = re.findall(r"^[ \t]*export\b.*", code, re.MULTILINE)
    assert all(bundle._EXPORTED.match(line) or bundle._DEFAULT.match(line) for line in exports), exports
    assert not re.search(r"\bimport\(|\beval\(|\bnew Function\b|innerHTML|outerHTML|insertAdjacentHTML", code)


@pytest.mark.parametrize("name", WIDGETS)
def test_the_shipped_text_is_one_module_that_imports_nothing(name):
    text = bundle.script(name)
    assert text.rstrip().endswith(f"export default _{name}.default;")
    assert not re.search(r"^\s*(import|export (?!default _))", text, re.MULTILINE)
    assert ".embviz" in bundle.style(name)
