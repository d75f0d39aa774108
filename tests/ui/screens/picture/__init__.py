"""Screens of pictures alone, through the running app."""
