"""Tests of what belongs to an installation."""
