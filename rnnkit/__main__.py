"""`python -m rnnkit` is the `rnnkit` command."""

from rnnkit.cli import app

if __name__ == "__main__":
    app(prog_name="rnnkit")
