"""Import of a Diffusion Toolkit database, its undo, and the export back."""
