"""The search index of a file.

- ``reads``       what the search asks the index for
- ``writes``      what is written of a context, and how older ones are indexed
- ``queries``     the statements that read
- ``statements``  the statements that write
- ``postings``    the two tables of postings
"""
