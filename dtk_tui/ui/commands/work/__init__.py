"""Commands of the screens of work."""
