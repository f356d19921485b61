"""The kind of sound in a file, told by its bytes whatever its name says, and the names that folders are searched for.

Conventions: a kind is that of the container (``"wave"``, ``"ogg"``, ``"mp4"``) or, where there is none, of the frames
(``"mpeg"``, ``"adts"``, ``"ac3"``); it is empty where neither Essentia's FFmpeg nor libsndfile would look further. What
a folder lists is chosen by name, what is named or handed in by its bytes. Whether the codec within can be decoded is
only known once it has been.
"""

from __future__ import annotations

import re
from typing import IO

from embviz.audio.sniff import FileBytes, frame_at, skip_tags

# Names of what Essentia's FFmpeg and libsndfile read; films count for their sound.
SUFFIXES = frozenset(
    """
    .3g2 .3gp .8svx .aac .ac3 .aif .aifc .aiff .ape .asf .au .avi .caf .f4a .f4v .flac .flv .m2a .m4a .m4b .m4v .mka
    .mkv .mov .mp+ .mp1 .mp2 .mp3 .mp4 .mpa .mpc .mpp .nist .oga .ogg .ogv .opus .ra .rf64 .rm .shn .snd .sph .tak .tta
    .voc .w64 .wav .wave .webm .wma .wmv .wv .xwma
    """.split()  # noqa: SIM905  easier to read
)
# Names of music that has no decoder here: notes for a synthesizer, speech codecs, discs, and protected sound.
UNDECODABLE = frozenset(
    """
    .669 .aa .aax .amr .awb .dff .dsf .dts .eac3 .ec3 .gbs .it .kar .m4p .med .mid .midi .mlp .mod .mptm .mtm .nsf .oma
    .psf .rmi .s3m .sid .spc .spx .stm .thd .vgm .xm
    """.split()  # noqa: SIM905  easier to read
)
LISTED = "files ending in .mp3, .flac, .wav, .ogg, .m4a and other usual endings of sound are listed."

SEARCHED = 1 << 16  # bytes in which frames must begin
ADTS = 4  # what stands for the layer in frames of AAC
CHAIN = 3  # frames that follow each other where they do not stand at the very beginning

_MAGIC = {
    b"fLaC": "flac", b"OggS": "ogg", b".snd": "au", b"caff": "caf", b"riff\x2e\x91\xcf\x11": "w64", b"wvpk": "wavpack",
    b"TTA1": "tta", b"TTA2": "tta", b"MAC ": "ape", b"MPCK": "musepack", b"MP+": "musepack", b"ajkg": "shorten",
    b"tBaK": "tak", b"FLV\x01": "flv", b".RMF": "real", b".ra\xfd": "real", b"\x1a\x45\xdf\xa3": "matroska",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf", b"Creative Voice File\x1a": "voc", b"NIST_1A\n": "nist",
    b"\x0b\x77": "ac3",
}  # fmt: skip
_FORMS = {
    (b"RIFF", b"WAVE"): "wave", (b"RIFX", b"WAVE"): "wave", (b"RF64", b"WAVE"): "wave", (b"RIFF", b"XWMA"): "wave",
    (b"RIFF", b"AVI "): "avi", (b"FORM", b"AIFF"): "aiff", (b"FORM", b"AIFC"): "aiff", (b"FORM", b"8SVX"): "svx",
    (b"FORM", b"16SV"): "svx",
}  # fmt: skip
_MATROSKA_UNDECODABLE, _MATROSKA_DECODABLE = re.compile(rb"A_OPUS|A_DTS"), re.compile(rb"A_(?!OPUS|DTS)[A-Z]{2}")
_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def identify(file: IO[bytes]) -> tuple[str, int]:
    """Return the kind of a file, and where its sound starts behind ID3 tags."""
    start = skip_tags(FileBytes(file, block=0))
    file.seek(start)
    head = file.read(SEARCHED)
    kind = _container(head) or _frames(head)
    return "" if _lacks_decoder(kind, head) else kind, start


def _container(head: bytes) -> str:
    form = _FORMS.get((head[:4], head[8:12]), "")
    if form or head[4:8] in _ATOMS:
        return form or "mp4"
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")


def _lacks_decoder(kind: str, head: bytes) -> bool:
    """Tell whether the codecs that the beginning of a container names are all without a decoder here."""
    if kind == "ac3":
        return len(head) > 5 and head[5] >> 3 > 10  # E-AC-3, which is read within containers only
    if kind == "ogg":
        return b"Speex   " in head[:64]
    return kind == "matroska" and bool(_MATROSKA_UNDECODABLE.search(head)) and not _MATROSKA_DECODABLE.search(head)


def _frames(head: bytes) -> str:
    """Return the kind of the frames that begin in some bytes."""
    at = head.find(b"\xff")
    while at >= 0:
        frames = frames_at(head, at, CHAIN)
        if frames and (at == 0 or len(frames) == CHAIN):
            return "adts" if frames[0][0][0] == ADTS else "mpeg"
        at = head.find(b"\xff", at + 1)
    return ""


def frames_at(data: bytes, at: int, most: int) -> list[tuple[tuple[int, ...], int]]:
    """Return up to `most` frames of one kind, and their lengths in bytes, that follow each other from a place."""
    frames: list[tuple[tuple[int, ...], int]] = []
    while len(frames) < most and (frame := frame_at(data, at)) is not None and frame[1] > 0:
        if frames and frame[0] != frames[0][0]:
            break
        frames.append(frame)
        at += frame[1]
    return frames
