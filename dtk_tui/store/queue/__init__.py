"""SQL of the job queue: jobs, workers, results, the log of all work."""
