"""Tests of backups and of moving a library."""
