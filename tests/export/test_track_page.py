"""The page without a kernel: what is in the file, and what it does in a browser that has no network."""

from __future__ import annotations

import html.parser
import json
import re
from pathlib import Path

import numpy as np
import pytest
from harness import Opened, of_clock

from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import AudioError, FigureError, OptionError
from embviz.export import track_page

RATE = 16_000
HOSTILE = "a\u202eb <img src=x onerror=alert(1)> </script><script>alert(2)</script> <!-- \"'&\n\u2028 שיר 🎵"
SHOWN = "ab <img src=x onerror=alert(1)> </script><script>alert(2)</script> <!-- \"'&   שיר 🎵"


def tone(seconds: float, rate: int = RATE) -> tuple[np.ndarray, int]:
    """A quiet tone in stereo."""
    wave = 0.2 * np.sin(2 * np.pi * 330 * np.arange(round(seconds * rate)) / rate)
    return np.stack([wave, wave], axis=1).astype(np.float32), rate


def embedding(
    seconds: float = 12, *, t: int = 60, d: int = 20, model: str = "own", labels: tuple[str, ...] = ()
) -> Embedding:
    """Frames side by side over the track; every value tells its place: 10 × frame + dimension."""
    hop = round(seconds * RATE / t)
    grid = FrameGrid(RATE, hop, hop, hop, 0, t, round(seconds * RATE))
    values = (10 * np.arange(t)[:, None] + np.arange(d)).astype(np.float32)
    return Embedding(values, grid, model, "embedding", labels=labels, title="tone")


class Parsed(html.parser.HTMLParser):
    """The elements of a page, what they ask for, and their text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asked: list[str | None] = []
        self.texts: dict[str, str] = {}
        self.policy = ""
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.tags.append(tag)
        self.asked += [value for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]
        self.policy = named["content"] if named.get("http-equiv") == "Content-Security-Policy" else self.policy
        self._open = named.get("id") or tag

    def handle_data(self, data):
        self.texts[self._open] = self.texts.get(self._open, "") + data

    @property
    def description(self) -> dict:
        return json.loads(self.texts["embviz-page"])


# -- the file -----------------------------------------------------------------------------------------------------


def test_a_page_holds_all_it_needs():
    text = track_page.render_track_page(tone(2), [embedding(2)], title="Tone")
    page = Parsed(text)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert page.asked == []
    assert page.policy.startswith("default-src 'none'; ")
    assert "http:" not in page.policy
    assert page.texts["title"].strip() == "Tone"
    assert "://" not in page.texts["embviz-page"]
    [row] = page.description["rows"]
    assert (row["widget"], row["state"]["shape"]) == ("heatmap", [20, 60])
    assert row["facts"] == ["20 dimensions × 60 frames, every 33.3 ms"]


def test_what_others_wrote_is_no_markup():
    plain = Parsed(track_page.render_track_page(tone(1), [embedding(1), track_page.MissingRow("x", "y")]))
    own = embedding(1, model=HOSTILE, labels=(HOSTILE,) * 20)
    text = track_page.render_track_page(
        tone(1),
        [track_page.PageRow(own, HOSTILE, [HOSTILE]), track_page.MissingRow(HOSTILE, HOSTILE, [HOSTILE], [HOSTILE])],
        title=HOSTILE,
        details=[HOSTILE],
        sections=[(HOSTILE, 0.5)],
    )
    page = Parsed(text)
    assert page.tags == plain.tags
    assert page.description["title"] == page.description["rows"][0]["title"] == SHOWN
    assert page.description["rows"][0]["state"]["labels"][3] == HOSTILE
    assert "<" not in page.texts["embviz-page"]


def test_no_widget_is_sent_to_an_open_notebook(monkeypatch):
    import comm

    def opened(**_):
        raise AssertionError("A comm was opened.")

    monkeypatch.setattr(comm, "create_comm", opened)
    track_page.render_track_page(tone(1), [embedding(1)])


def test_options_are_checked():
    with pytest.raises(OptionError, match="Did you mean 'link'"):
        track_page.render_track_page(tone(1), [], audio="linked")
    with pytest.raises(OptionError, match="Did you mean 'dark'"):
        track_page.render_track_page(tone(1), [], theme="darker")
    with pytest.raises(OptionError, match="has no option 'ordr'"):
        track_page.render_track_page(tone(1), [track_page.PageRow(embedding(1), options={"ordr": "index"})])


def test_only_a_file_can_be_linked():
    with pytest.raises(OptionError, match="embed"):
        track_page.render_track_page(tone(1), [], audio="link")


def test_a_link_starts_from_the_page_and_is_encoded(tmp_path, rock):
    (tmp_path / "pages").mkdir()
    sound = tmp_path / "music 50%" / "a#b?.ogg"
    sound.parent.mkdir()
    sound.write_bytes(rock.read_bytes())
    path = track_page.write_track_page(tmp_path / "pages" / "a.html", sound, [], audio="link")
    text = path.read_text("utf-8")
    assert "../music%2050%25/a%23b%3F.ogg" in text
    assert path.stat().st_size < 250_000


def test_an_absurd_page_says_what_to_do(monkeypatch):
    monkeypatch.setattr(track_page, "MAX_BYTES", 2**20)
    with pytest.raises(FigureError, match=r"more than 1 MB.*link the sound.*fewer models"):
        track_page.render_track_page(tone(1), [embedding(10, t=2000, d=600)])


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    with pytest.raises(OptionError, match=r"\.html"):
        track_page.write_track_page(tmp_path / "a.png", tone(1), [])
    (tmp_path / "a.html").mkdir()
    with pytest.raises(FigureError, match=r"could not be written.*another folder"):
        track_page.write_track_page(tmp_path / "a.html", tone(1), [])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("embviz.core.io.os.fsync", full)
    with pytest.raises(FigureError, match="No space left on device"):
        track_page.write_track_page(tmp_path / "b.html", tone(1), [])
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.html"]


def test_no_sound_is_one_sentence(tmp_path):
    (tmp_path / "a.ogg").write_text("This is no sound.")
    with pytest.raises(AudioError):
        track_page.write_track_page(tmp_path / "a.html", tmp_path / "a.ogg", [])
    assert not (tmp_path / "a.html").exists()


def test_the_foot_says_what_made_the_numbers(home, rock):
    from embviz import embed

    about = Parsed(track_page.render_track_page(rock, [embed(rock, "musicnn")])).description["about"]
    facts = dict(about[1]["facts"])
    assert about[1]["title"] == "msd-musicnn-1 / embedding"
    assert re.fullmatch(r"[0-9a-f]{64}", facts["SHA-256"])
    assert facts["Frame"] == "2.992 s every 1.488 s, which hears 3.008 s"
    assert {"Weights", "Licence", "Paper", "Engine", "Training data"} <= set(facts)
    assert dict(about[0]["facts"])["Length"].startswith("2:02.5 (122.5")


# -- in a browser without a network -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    """Twelve seconds with two heatmaps."""
    rows = [embedding(), track_page.PageRow(embedding(t=12, d=3, labels=("low", "middle", "high")), "Labelled")]
    folder = tmp_path_factory.mktemp("toy")
    sections = [("start", 0), ("middle", 6)]
    return track_page.write_track_page(folder / "toy.html", tone(12), rows, title="Twelve seconds", sections=sections)


def test_it_plays_and_the_playhead_follows_the_sound(opened, toy):
    page = opened(toy)
    page.page.get_by_role("button", name="Play").first.click()
    page.until("c.playing && c.time > 1")
    apart = page.page.evaluate(
        """async () => {
          const clock = globalThis[Symbol.for("embviz.clocks")].get("page");
          const apart = [];
          while (clock.time < 3 || apart.length < 30) {
            await new Promise((resolve) => setTimeout(resolve, 50));
            await new Promise(requestAnimationFrame);
            apart.push(Math.abs(clock.time - clock.media.currentTime));
          }
          return apart;
        }"""
    )
    assert np.median(apart) < 0.05
    assert max(apart) < 0.15  # the element's own time comes in steps
    page.page.get_by_role("button", name="Pause").first.click()
    page.until("!c.playing")
    page.rest()
    time, sound = of_clock(page.page, "page", "c => [c.time, c.media.currentTime]")
    assert abs(time - sound) < 0.05


def test_every_playhead_stands_at_the_time(opened, toy):
    page = opened(toy)
    page.clock("seek(6)")
    page.rest(200)
    lines = page.page.locator(".ev-playhead").evaluate_all(
        "all => all.map((line) => line.getBoundingClientRect()).filter((box) => box.height).map((box) => box.x)"
    )
    assert len(lines) >= 3
    assert max(lines) - min(lines) < 1.5


def test_a_click_on_a_heatmap_seeks_and_a_hover_says_what_is_there(opened, toy):
    page = opened(toy)
    x, y = page.place(6.1, 0.5)
    page.page.mouse.click(x, y)
    assert page.clock("time") == pytest.approx(6.1, abs=0.05)
    page.page.mouse.move(x + 1, y)
    tip = page.page.locator(".ev-tip:visible").first
    tip.wait_for()
    # Frames of 0.2 s and, in the middle, dimension 9 or 10: values 10 × 30 + 9 or 10, from cells of one byte.
    assert "0:06.00 – 0:06.20" in tip.inner_text()
    assert re.search(r"dimension (9|10)\b", tip.inner_text())
    assert re.search(r"≈ 3(0|1)\d", tip.inner_text())
    page.page.mouse.move(*page.place(6.1, 0.5, row=1))
    page.page.locator(".ev-tip:visible", has_text="middle").wait_for()


def test_the_keyboard_works_all_over_the_page(opened, toy):
    page = opened(toy)
    page.page.keyboard.press("Space")
    page.until("c.playing && c.time > 0.2")
    page.page.keyboard.press("Space")
    page.until("!c.playing")
    before = page.clock("time")
    page.page.keyboard.press("ArrowRight")
    assert page.clock("time") > before + 0.1
    page.page.keyboard.press("ArrowLeft")
    assert page.clock("time") == pytest.approx(before, abs=0.05)
    page.page.keyboard.press("+")
    assert np.ptp(page.clock("view")) < 11
    page.page.keyboard.press("?")
    assert page.page.get_by_text("play or pause").is_visible()
    page.page.keyboard.press("Escape")
    assert not page.page.get_by_text("play or pause").is_visible()
    # A key that presses a button does not start the music as well.
    page.page.locator(".ev-track-page-theme").focus()
    page.page.keyboard.press("Space")
    assert page.page.locator("html[data-theme=dark]").count() == 1
    assert not page.clock("playing")


def test_a_dragged_range_loops(opened, toy):
    page = opened(toy)
    (x0, y), (x1, _) = page.place(2), page.place(3)
    page.page.mouse.move(x0, y)
    page.page.mouse.down()
    page.page.mouse.move(x1, y, steps=5)
    page.page.mouse.up()
    assert page.clock("range") == pytest.approx([2, 3], abs=0.05)
    page.page.keyboard.press("l")
    page.page.keyboard.press("Space")
    page.until("c.playing")
    times = page.page.evaluate("""async () => {
      const clock = globalThis[Symbol.for("embviz.clocks")].get("page");
      const times = [clock.time];
      let rounds = 0;
      while (rounds < 2) {
        await new Promise(requestAnimationFrame);
        times.push(clock.time);
        if (times.at(-1) < times.at(-2) - 0.5) rounds += 1;
      }
      return times;
    }""")
    assert all(1.9 < time < 3.15 for time in times)


def test_hostile_text_is_text_on_the_page(opened, tmp_path):
    own = embedding(2, t=10, d=4, model=HOSTILE, labels=(HOSTILE,) * 4)
    rows = [track_page.PageRow(own, HOSTILE, [HOSTILE]), track_page.MissingRow(HOSTILE, HOSTILE, [HOSTILE], [HOSTILE])]
    path = track_page.write_track_page(
        tmp_path / "a.html", tone(2), rows, title=HOSTILE, details=[HOSTILE], sections=[(HOSTILE, 1)]
    )
    page = opened(path)
    assert page.page.locator("h1").evaluate("el => el.textContent") == SHOWN
    page.page.mouse.move(*page.place(1))
    page.page.locator(".ev-tip:visible").first.wait_for()
    page.page.locator("summary").last.click()
    assert page.page.locator("img, [onerror]").count() == 0
    wide = page.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0


def test_a_linked_sound_plays_from_where_it_is(opened, tmp_path, rock):
    sound = tmp_path / "my music" / "rock #1 50%.ogg"
    sound.parent.mkdir()
    sound.write_bytes(rock.read_bytes())
    (tmp_path / "pages").mkdir()
    path = track_page.write_track_page(tmp_path / "pages" / "a.html", sound, [], audio="link")
    page = opened(path, sound=sound)
    page.page.get_by_role("button", name="Play").first.click()
    page.until("c.playing && c.time > 0.5")
    page.clock("seek(60)")
    page.until("c.time > 60.2 && Math.abs(c.time - c.media.currentTime) < 0.1")


def test_a_linked_sound_that_is_gone_is_one_sentence(browser, tmp_path, rock):
    sound = tmp_path / "rock.ogg"
    sound.write_bytes(rock.read_bytes())
    path = track_page.write_track_page(tmp_path / "a.html", sound, [embedding()], audio="link")
    sound.unlink()
    context = browser.new_context(offline=True)
    page = Opened(context, path)
    page.page.get_by_text("The sound was not found").first.wait_for()
    context.close()


def paper(page: Opened) -> tuple[str, str]:
    """Colours of paper and ink as they are drawn."""
    look = "el => { const s = getComputedStyle(el); return [s.backgroundColor, s.color]; }"
    return page.page.evaluate(f"({look})(document.documentElement)")[0], page.page.locator("h1").evaluate(look)[1]


def test_light_and_dark(opened, toy, tmp_path):
    light, dark = ("rgb(255, 255, 255)", "rgb(31, 35, 40)"), ("rgb(17, 17, 17)", "rgb(230, 230, 230)")
    page = opened(toy)
    assert paper(page) == light
    page.page.emulate_media(color_scheme="dark")
    assert paper(page) == dark
    page.page.get_by_role("button", name="Change to light colours").click()
    assert paper(page) == light
    page.page.emulate_media(media="print", color_scheme="dark")
    assert paper(page) == light
    held = track_page.write_track_page(tmp_path / "a.html", tone(1), [], theme="dark")
    assert paper(opened(held)) == dark


def test_silence_and_a_moment_have_pages(opened, tmp_path, home):
    from embviz import embed

    for name, samples in (("silent", np.zeros(RATE * 4, np.float32)), ("moment", tone(0.01)[0][:, 0])):
        found = embed((samples, RATE), "musicnn")
        page = opened(track_page.write_track_page(tmp_path / f"{name}.html", (samples, RATE), [found]))
        page.page.get_by_role("button", name="Play").first.click()
        page.until("c.time > 0 || c.media.ended")
        assert page.clock("duration") == pytest.approx(len(samples) / RATE, abs=1e-6)


def test_a_page_that_javascript_may_not_draw_says_so(browser, toy):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(toy.resolve().as_uri())
    assert "JavaScript" in page.locator("noscript").inner_text()
    context.close()


def test_what_was_made_elsewhere_can_be_shown(opened, tmp_path):
    from embviz.widgets.curves import Curves
    from embviz.widgets.self_similarity import SelfSimilarity

    own = embedding(labels=tuple(f"tag {i}" for i in range(20)))
    rows = [
        track_page.PageRow(Curves.of(own), "Tags", embedding=own),
        track_page.PageRow(SelfSimilarity.of(own), embedding=own),
    ]
    page = opened(track_page.write_track_page(tmp_path / "a.html", tone(12), rows))
    assert page.page.locator(".ev-track-page-row h2").all_inner_texts() == ["Tags", "own"]
    assert page.page.locator(".ev-track-page-about h3").all_text_contents() == ["array", "own / embedding"]
    assert page.page.get_by_text("tag 19").first.is_visible()
    assert page.page.locator(".ev-track-page-row").nth(1).locator("canvas").count() >= 1


@pytest.fixture(scope="module")
def poster(weights_home, tmp_path_factory) -> Path:
    """The six systems of the poster on the rock track, as the command line writes them."""
    from embviz.cli import run

    rock = Path(__file__).parents[2] / "sample_audio" / "rock.ogg"
    path = tmp_path_factory.mktemp("poster") / "rock.html"
    assert run(["poster", str(rock), "-o", str(path)]) == 0
    return path


@pytest.mark.parametrize("width", [1500, 1000, 700])
def test_no_text_of_a_row_is_drawn_over_another(opened, toy, width):
    page = opened(toy, width=width)
    page.page.mouse.click(*page.place(1.5))
    page.page.get_by_text("frame 1").first.wait_for()
    words = "h2, .ev-track-page-row-heading span, .ev-heatmap-readout, .ev-heatmap-tools label"
    boxes = (
        page.page.locator(".ev-track-page-row")
        .first.locator(words)
        .evaluate_all(
            "all => all.map((el) => el.getBoundingClientRect()).map(({ x, y, right, bottom }) => [x, y, right, bottom])"
        )
    )
    assert len(boxes) == 5
    for i, (left, top, right, bottom) in enumerate(boxes):
        for x, y, end, foot in boxes[:i]:
            assert left >= end or x >= right or top >= foot or y >= bottom


@pytest.mark.slow
def test_the_poster_of_two_minutes_is_small_and_plays(opened, poster):
    assert poster.stat().st_size < 6e6
    page = opened(poster)
    titles = page.page.locator(".ev-track-page-row h2").all_inner_texts()
    assert len(titles) == 6
    assert page.page.locator(".ev-track-page-card", has_text="embviz pull").count() == 2
    assert page.clock("duration") == pytest.approx(122.5, abs=0.1)
    page.page.mouse.click(*page.place(67.5))
    page.page.keyboard.press("Space")
    page.until("c.playing && c.time > 69")
    assert page.clock("media.currentTime") == pytest.approx(page.clock("time"), abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("width", [760, 1300])
def test_nothing_is_cut_off(opened, poster, width):
    page = opened(poster, width=width)
    wide = page.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
