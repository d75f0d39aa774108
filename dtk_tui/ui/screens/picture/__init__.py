"""Screens that show pictures alone."""
