"""``python -m livewatch``."""

from livewatch.cli import main

if __name__ == "__main__":
    main()
