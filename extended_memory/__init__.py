"""Extended Memory: a local MCP server that keeps the context of a project between conversations.

The map. A call travels down this list and its answer comes back up; imports point down only.
Each package has a map of its own.

- ``__main__``             the process: logging, standard streams, signals; a command or the server
- ``cli``                  the person's commands
- ``doctor``               what can be found out about an installation, without content or secret
- ``server``               the MCP surface: tools, prompt, resource
- ``protocol``             what the surface stands on: arguments, answers, transport, FastMCP
- ``clients``              the programs that start this server, and their configuration files
- ``transfer``             export, import and copy: the formats, and what is there already
- ``service``              the rules that hold on every backend: projects, scope, the retry window
- ``store_service``        a store as a whole, to be moved, mended and kept in order
- ``access``               the way to a store that the services share, within a scope
- ``custom_instructions``  the user's own instructions, a file that a first load brings along
- ``shutdown``             the end of the process: what it waits for, and how long
- ``storage``              the contract of a repository, and its two backends: SQLite and Redis
- ``search``               text to terms, query to plan, ranking: one way for both backends
- ``output``               the files that commands write: what gives way to them, and how
- ``settings``             the environment, read once
- ``paths``                the path of a file as a setting writes it
- ``placeholders``         what of a setting nothing has replaced by its value
- ``logs``                 what is written to stderr, and what never is
- ``stderr``               standard error as a stream that nobody waits for
- ``names``                how names of projects and tags are normalised
- ``flaws``                the flaws that a check of a store can find, on every backend
- ``domain``               the values all of the above speak in, and their bounds
- ``counts``               a count with the noun that it counts
- ``errors``               what cannot be done: a fact, and its remedy
- ``version``              the version of the product

The history of the schema lies in ``migrations`` (in a checkout beside this package, in a wheel
inside it).
"""
