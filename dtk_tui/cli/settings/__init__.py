"""Commands about the settings."""
