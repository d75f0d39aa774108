"""What a person gives images: ratings and flags, tags, albums."""
