"""What the app is drawn on: a terminal, or a page of a browser."""
