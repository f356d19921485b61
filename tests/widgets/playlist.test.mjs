import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, m3u } from "../../embviz/widgets/src/player/playlist.js";

test("a playlist names what is played, and where it lies", () => {
  const text = m3u([
    { title: "Blue", artist: "Ada", seconds: 61.6, file: "a/b #1.ogg" },
    { title: "x\ny\u2028#EXTINF", artist: "", seconds: null, file: "#remark\r\n.mp3" },
    { title: "", artist: "", seconds: 5, file: "http://x/y" },
  ]);
  assert.deepEqual(text.split("\n"), [
    "#EXTM3U", "#EXTINF:62,Ada - Blue", "a/b #1.ogg", "#EXTINF:-1,x y #EXTINF", "./#remark .mp3",
    "#EXTINF:5,", "./http://x/y", "",
  ]);
});

test("moments keep their places and their times", () => {
  const text = m3u([
    { title: "Blue", artist: "Ada", seconds: 61.6, file: "a.ogg", start: 42.25, stop: 43.7381 },
    { title: "Blue", artist: "Ada", seconds: 61.6, file: "a.ogg", start: 0, stop: 0.5 },
  ]);
  assert.deepEqual(text.split("\n"), [
    "#EXTM3U", "#EXTINF:1,1. Ada - Blue (0:42)", "#EXTVLCOPT:start-time=42.250", "#EXTVLCOPT:stop-time=43.738", "a.ogg",
    "#EXTINF:1,2. Ada - Blue (0:00)", "#EXTVLCOPT:start-time=0.000", "#EXTVLCOPT:stop-time=0.500", "a.ogg", "",
  ]);
});

test("a table keeps texts, and gives spreadsheets no formulas", () => {
  const rows = [["a,b", 1.5], ['say "x"', null], ["=1+1", -2], ["two\nlines", 0], ["-3", ""], ["-x", "'=1"]];
  assert.deepEqual(csv(["Title", "Length, s"], rows).split("\r\n"), [
    'Title,"Length, s"', '"a,b",1.5', '"say ""x""",', "'=1+1,-2", '"two\nlines",0', "-3,", "'-x,''=1", "",
  ]);
});
