"""Small pictures for grids and rows, kept on disk."""
