"""Captioners: a llama.cpp server that is started here, or any OpenAI-compatible endpoint, behind one interface."""
