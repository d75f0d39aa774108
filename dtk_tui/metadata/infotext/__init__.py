"""The infotext that AUTOMATIC1111 introduced and many programs write: parsing it, and what its settings mean."""
