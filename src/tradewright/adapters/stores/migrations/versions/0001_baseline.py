"""Tables of the first release: runs, trials, journal."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "runs",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("documents", sa.JSON, nullable=False),
    )
    op.create_index("ix_runs_kind", "runs", ["kind"])
    op.create_index("ix_runs_created_ns", "runs", ["created_ns"])
    op.create_table(
        "trials",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("family", sa.String, nullable=False),
        sa.Column("sharpe", sa.Float, nullable=True),
    )
    op.create_index("ix_trials_family", "trials", ["family"])
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("stream", sa.String, nullable=False),
        sa.Column("stream_seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("ts_event", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.UniqueConstraint("stream", "stream_seq"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("journal", "trials", "runs"):
        op.drop_table(table)
