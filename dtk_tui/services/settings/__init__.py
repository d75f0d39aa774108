"""The settings one by one: what there is, what holds and why, what is wrong, and changing them in config.toml."""
