"""Tiny models of the exact architectures of the manifest's models, and odd inputs for them."""
