"""The foundations of the MCP surface.

- ``startup``            imports the server as quickly as its libraries allow
- ``app``                FastMCP as this product runs it: settings, errors, how a tool is registered
- ``upkeep``             what a server does for its store in the background
- ``fastmcp_internals``  the private members of libraries that are touched, each with its reason
- ``transport``          the standard streams as a guarded channel for JSON-RPC lines
- ``arguments``          what a tool accepts: types with bounds and words for the model
- ``nesting``            how deep JSON is nested, found without recursion
- ``refusals``           an argument that was refused, as one sentence
- ``replies``            domain values as the short text that the model reads
- ``answers``            domain values as the structured answer that programs read

The words that a model reads as prose lie in ``prose/*.md``.
"""
