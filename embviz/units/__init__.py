"""What single dimensions of a layer hear: moments, units, groups and directions of a collection.

- :meth:`embviz.Collection.moments`: where a dimension is highest, to hear and to see
- :meth:`embviz.Collection.units`: all dimensions of a layer, and a card for each
- :meth:`embviz.Collection.contrast`: what separates two groups of tracks
- :meth:`embviz.Collection.outliers`, :meth:`~embviz.Collection.near_duplicates`,
  :meth:`~embviz.Collection.exemplars`, :meth:`~embviz.Collection.neighbors` and
  :meth:`~embviz.Collection.moments_like`: tracks and moments that stand out, twice, for others, or near
- :func:`embviz.align`: two tracks in time
"""
