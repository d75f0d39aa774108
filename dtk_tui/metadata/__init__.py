"""Reading how an image was made: one module per dialect, one per container, and a recogniser that picks."""
