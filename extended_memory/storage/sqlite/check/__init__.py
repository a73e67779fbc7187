"""The check of a file, its repair, and a diagnosis of it.

- ``rules``         what must hold in the tables, and how it is rebuilt
- ``search_index``  the search index against the texts
- ``diagnosis``     how a file is, for the doctor
"""
