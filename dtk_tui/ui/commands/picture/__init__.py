"""Commands for one picture."""
