"""`python -m app.cli` where the script `kesos` is not installed."""

from app.cli import app

app()
