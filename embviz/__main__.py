"""``python -m embviz`` is the command line."""

from embviz.cli.entry_point import main

main()
