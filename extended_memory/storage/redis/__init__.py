"""The storage contract on Redis and Valkey: one server, behind Sentinel, or a cluster."""
