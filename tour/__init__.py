"""Pictures of every screen, made of the app on the demo library: docs/tour.md, and what the README shows."""
