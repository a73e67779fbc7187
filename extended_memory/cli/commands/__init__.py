"""The commands, each in a file of its name; some share one.

- ``see``           ``projects``, ``list``, ``tags``, ``trash``
- ``search``        find contexts by their words
- ``show``          one context whole
- ``stats``         counts, dates and top tags
- ``mend``          ``add``, ``forget``, ``restore``, ``rename-project``
- ``edit``          change a context in an editor
- ``export``        write the memory to a file, a pipe or a folder
- ``import_``       bring an export in
- ``copy``          bring a store into another one
- ``import_redis``  bring the Redis of 0.9.0 in
- ``backup``        ``backup``, ``backups``, ``restore-backup``
- ``check``         check that the store is consistent
- ``doctor``        check the installation
- ``install``       ``install``, ``uninstall``
"""
