"""The sample library and the tour of `make demo`."""
