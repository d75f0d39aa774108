"""Nodes of ComfyUI that compute: what each output of such a node gives, worked out from its inputs."""
