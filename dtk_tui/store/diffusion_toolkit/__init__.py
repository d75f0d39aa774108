"""SQL of the import from Diffusion Toolkit, its records, its undo and the export."""
