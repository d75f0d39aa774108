"""Commands of the group ``tags``."""
