"""The commands, each in a file of its name.

- ``projects``        list the projects
- ``list_``           list a project's contexts
- ``tags``            list a project's tags
- ``trash``           list what was forgotten
- ``search``          find contexts by their words
- ``show``            show one context whole
- ``stats``           show counts, dates and top tags
- ``add``             save a context
- ``edit``            change a context in an editor
- ``forget``          move contexts to the trash, or delete them
- ``restore``         bring a context back, or an earlier text of it
- ``rename_project``  give a project another name
- ``export``          write the memory to a file, a pipe or a folder
- ``import_``         bring an export in
- ``copy``            bring a store into another one
- ``import_redis``    bring the Redis of 0.9.0 in
- ``backup``          copy the memory's file
- ``backups``         list the copies
- ``restore_backup``  put a copy in place of the file
- ``check``           check that the store is consistent
- ``doctor``          check the installation
- ``install``         write the server into a client's configuration
- ``uninstall``       take it out of there
"""
