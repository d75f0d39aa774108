"""Organising by hand: ratings, flags, tags, albums, deletion; all of it in the journal."""
