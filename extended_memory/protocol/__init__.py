"""What the MCP surface stands on.

- ``startup``    imports the server as quickly as its libraries allow
- ``app``        FastMCP as this product runs it: lifespan, errors, registration of a tool
- ``transport``  the standard streams as a guarded channel for JSON-RPC lines
- ``arguments``  what a tool accepts: types with bounds and words for the model
- ``nesting``    how deep JSON is nested, found without recursion
- ``refusals``   an argument that was refused, as one sentence
- ``replies``    domain values as the short text that the model reads
- ``answers``    domain values as the structured answer that programs read

The words that a model reads as prose lie in ``prose/*.md``.
"""
