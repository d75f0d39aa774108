"""Full screens and modal dialogues."""
