"""Helpers of the tests of metadata: files and graphs made on the spot, and reading them."""
