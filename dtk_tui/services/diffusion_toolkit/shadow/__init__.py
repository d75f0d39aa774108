"""The import into an empty library: rows are made complete here and loaded beside the live tables."""
