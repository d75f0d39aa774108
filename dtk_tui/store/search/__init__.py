"""SQL of search: conditions, ranking, vectors."""
