"""The search index of a file.

- ``reads``       what the search asks the index for
- ``writes``      what is written of a context, and how older ones are indexed
- ``statements``  the statements of both
"""
