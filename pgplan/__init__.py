"""pgplan: plan and apply for PostgreSQL access control and foreign data."""

__version__ = "0.1.0"
