"""``python -m embviz`` is the command line."""

from embviz.cli.commands import main

main()
