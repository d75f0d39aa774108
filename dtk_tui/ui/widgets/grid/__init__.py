"""Images as a grid of thumbnails."""
