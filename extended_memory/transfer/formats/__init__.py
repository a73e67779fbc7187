"""The formats of export and import, one file a format.

- ``catalogue``       the formats, and how one is recognised
- ``jsonl``           our own lossless one: JSON lines
- ``markdown``        our own readable one: a folder of Markdown
- ``record``          one context as both of our own write it
- ``basic_memory``    notes of basic-memory
- ``claude``          Claude's own memory as text
- ``mem0``            memories of OpenMemory and mem0
- ``memory_keeper``   mcp-memory-keeper: an export or its database
- ``memory_service``  an export of mcp-memory-service
- ``server_memory``   the file of server-memory
- ``adapt``           another tool's values as ours
- ``front_matter``    YAML front matter before a text
- ``documents``       JSON in one document or in lines
- ``item``            what a reader gives, and how it reads lines
"""
