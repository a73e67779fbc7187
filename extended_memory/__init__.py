"""Extended Memory: a local MCP server that keeps the context of a project between conversations.

The map. A call travels down this list and its answer comes back up; imports point down only.

- ``__main__``      the process: logging, standard streams, signals; a command or the server
- ``cli``           the person's commands
- ``doctor``        what can be found out about an installation, without content or secret
- ``clients``       the programs that start this server, and their configuration files
- ``transfer``      the forms of export and import, our own and those of other tools
- ``quick_import``  imports the server as quickly as its libraries allow
- ``stderr``        standard error as a stream that nobody waits for
- ``stdio``         the standard streams as a guarded channel for JSON-RPC lines
- ``ending``        the end of the process: what it waits for, and how long
- ``nesting``       how deep JSON is nested, found without recursion
- ``server``        the MCP surface: tools, prompt, resource
- ``serving``       FastMCP as this product runs it; fastmcp is imported by these two alone
- ``arguments``     what a tool accepts: types with bounds, normalisation and words for the model
- ``refusals``      an argument that was refused, as one sentence
- ``rendering``     domain values as the short text that the model reads, within a budget of bytes
- ``answers``       domain values as the structured answer that programs read
- ``service``       the rules that hold on every backend: which project, pins, the retry window
- ``instructions``  the user's own instructions, a file that a first load brings along
- ``settings``      the environment, read once
- ``paths``         the path of a file as a setting writes it
- ``placeholders``  what of a setting nothing has replaced by its value
- ``logs``          what is written to stderr, and what never is
- ``storage``       ``contract`` says what a repository promises; ``sql`` keeps it on SQLite,
                    ``redis`` on Redis and Valkey
- ``search``        text to terms, query to plan, ranking: one way for all backends
- ``names``         how names of projects and tags are normalised
- ``output``        the files that commands write: what they may replace, and how
- ``domain``        the values all of the above speak in, and the errors they raise

The words that a model reads as prose lie in ``prose/*.md``; the history of the schema lies in
``migrations`` (in a checkout beside this package, in a wheel inside it).
"""
