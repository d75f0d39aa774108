"""Widgets of the caption editor."""
