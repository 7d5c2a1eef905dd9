"""Alembic's entry: runs the revisions on the connection it is handed."""

from alembic import context

from tradewright.adapters.stores.database import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
