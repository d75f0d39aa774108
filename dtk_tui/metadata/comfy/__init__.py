"""Walking a ComfyUI graph the way ComfyUI executes it, from what was saved back to what it was made of."""
