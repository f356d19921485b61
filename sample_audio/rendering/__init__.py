"""The synthesizer of the sample tracks: scores, instruments, effects and mixing."""
