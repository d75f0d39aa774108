"""Screens of work, through the running app."""
