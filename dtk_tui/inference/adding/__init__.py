"""Models that people bring: what a folder says of its model, the entry made of it, taking it in and removing it."""
