"""Sound files: decoding, resampling and the content digest."""

from embviz.audio.audio import Audio, AudioSource

__all__ = ["Audio", "AudioSource"]
