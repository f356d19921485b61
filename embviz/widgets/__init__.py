"""The widgets: what of embviz runs in the browser.

Conventions: arrays go in as bytes with a shape, indices and seconds come back; what the numbers mean is not known
here. A widget is a module ``name.py`` with ``name.js`` and ``name.css``; the scripts import what they share from the
other scripts of this folder. All widgets of one track follow the same clock, which lives in the page
(``clock.js``): the kernel hears of it at most ten times a second and is not needed for it to run.
"""
