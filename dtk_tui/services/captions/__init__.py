"""Captions of images: their versions, edits of one and of many, files of trainers, the test of the captioner."""
