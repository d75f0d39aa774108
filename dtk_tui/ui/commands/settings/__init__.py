"""Commands of the settings: keys, and what follows a change."""
