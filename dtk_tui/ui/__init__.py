"""The terminal application: the only room that imports Textual."""
