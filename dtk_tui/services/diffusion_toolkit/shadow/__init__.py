"""The import into an empty library: complete rows are built here and loaded into shadow tables."""
