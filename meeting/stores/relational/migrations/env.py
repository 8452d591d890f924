"""What Alembic runs: on the connection that `migrate` opened, or into a text without one."""

from alembic import context

from meeting.stores.relational.tables import metadata

options = context.config.attributes
if context.is_offline_mode():
    context.configure(dialect_name=options["dialect"], target_metadata=metadata, literal_binds=True)
else:
    context.configure(connection=options["connection"], target_metadata=metadata)

with context.begin_transaction():
    context.run_migrations()
