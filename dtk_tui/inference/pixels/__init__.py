"""From the bytes of a file to the bytes that a model takes: fast decoders, scaling, and the nodes that normalise."""
