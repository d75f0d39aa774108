"""Hooks: commands of the config that a worker runs when its work ends, or fails too often."""
