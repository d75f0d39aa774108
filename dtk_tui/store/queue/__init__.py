"""SQL of the job queue: jobs, workers, results, job log."""
