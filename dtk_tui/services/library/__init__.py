"""Browsing, searching and arranging the folders and images that are known."""
