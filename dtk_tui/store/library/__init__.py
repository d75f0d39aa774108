"""SQL of folders, images, prompts and embedding spaces."""
