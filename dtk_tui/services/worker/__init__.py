"""The worker that drains the queue: claim, load, infer, save."""
