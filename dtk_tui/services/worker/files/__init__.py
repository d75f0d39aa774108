"""Files that cannot be read: their disk is away, they have moved, or a read never returns."""
