"""The connection to a server.

- ``store``    connects when a call needs it; runs scripts; faults as sentences
- ``client``   a client of redis-py with bounded waits and one policy of retries
- ``address``  where a URL points: one server, a cluster, or sentinels
- ``health``   what a server says of itself, and what follows
- ``faults``   faults of Redis as sentences
- ``scripts``  the Lua scripts, as they are sent
"""
