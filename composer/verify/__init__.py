"""Checks of a finished image with code of its own: what made the image is not asked again."""
