"""What single dimensions of a layer hear: moments, units, groups and directions of a collection.

- :meth:`embviz.Collection.moments`: where a dimension is highest, to hear and to see
- :meth:`embviz.Collection.units`: all dimensions of a layer, and a card for each
- :meth:`embviz.Collection.contrast`: what separates two groups of tracks
- :func:`embviz.align`: two tracks in time
"""
