"""PostgreSQL's objects as pgplan kinds: one module per kind, one list in `provider`."""
