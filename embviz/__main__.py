"""``python -m embviz`` is the command line."""

from embviz.cli import main

main()
