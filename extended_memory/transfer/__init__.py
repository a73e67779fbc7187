"""The forms in which contexts travel: our own two, and those of the tools people come from."""
