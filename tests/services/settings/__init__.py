"""The settings one by one."""
