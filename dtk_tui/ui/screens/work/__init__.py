"""Screens of the work that is done: its log, its failures by reason, who does it and how fast."""
