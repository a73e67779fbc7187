"""The structure of a file, and how an older one becomes the present one.

- ``upgrade``  which release wrote a file, the backup before an upgrade, the migrations
- ``adopt``    the file of 0.9.0, or of an older install, becomes one of ours
"""
