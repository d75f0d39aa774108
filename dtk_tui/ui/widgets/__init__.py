"""Widgets; they take callables for their data, so that each stands alone in a test."""
