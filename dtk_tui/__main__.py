"""``python -m dtk_tui`` and the ``dtk`` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from dtk_tui.cli import run

    run()


if __name__ == "__main__":
    main()
