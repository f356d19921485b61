"""The other end of :class:`benchmarks.measuring.Process`: calls functions by name, in a process that is measured."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module

from benchmarks.measuring import NotMeasured
from embviz.core.text import one_line, shorten
from embviz.errors import EmbvizError


def serve() -> None:
    """Answer each line of the standard input by one line; what libraries print goes to the standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        module, _, function = name.partition(":")
        try:
            result = getattr(import_module(module), function)(**arguments)
            reply = {"result": result, "processor": sum(os.times()[:4])}
        except NotMeasured as reason:
            reply = {"reason": str(reason)}
        except Exception as error:  # noqa: BLE001  a table shows whatever went wrong
            kind = "" if isinstance(error, EmbvizError) else f"{type(error).__name__}: "
            reply = {"reason": shorten(one_line(f"{kind}{error}"), 300)}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()
