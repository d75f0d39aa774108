"""Reading a Diffusion Toolkit database: SQLite tables as rows and as Arrow columns."""
