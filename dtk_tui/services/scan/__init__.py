"""Scanning folders: walk, compare with the library, read, write; watching for changes."""
