"""The environment that Alembic runs migrations in."""
