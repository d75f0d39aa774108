"""dtk-tui: very large libraries of AI-generated images, in the terminal."""

__version__ = "0.1.0"
