"""Run the steps on the connection and within the transaction of who asked for it (upgrading.py)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
