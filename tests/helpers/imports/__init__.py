"""Helpers of the tests of the import: sources, runs, kills, and what came of them."""
