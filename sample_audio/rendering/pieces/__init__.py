"""The pieces, in the order of the table."""

from . import ambient, classical, drums, electronic, folk, hiphop, jazz, metal, piano, rock

PIECES = tuple(
    module.PIECE
    for module in (
        rock,
        jazz,
        electronic,
        classical,
        ambient,
        hiphop,
        metal,
        piano,
        drums,
        folk,
    )
)
