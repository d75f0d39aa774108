"""Workers on the machines of a Ray cluster: one a GPU, all on the same queue."""
