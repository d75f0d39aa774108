"""The screens of the settings and of the keys."""
