"""Reading metadata: containers, dialects, hostile files."""
