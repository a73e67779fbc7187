"""What can be wrong with a file.

- ``rules``         what must hold in the tables, and how it is rebuilt
- ``search_index``  the search index against the texts
- ``diagnosis``     how a file is, for the doctor
"""
