"""Version 1: what evocircuits 0.1 made. Libraries begin here or later, so there is nothing to do."""

revision = "1"
down_revision = None


def upgrade() -> None:
    """Nothing."""
