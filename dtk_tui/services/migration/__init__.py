"""Coming over from Diffusion Toolkit."""
