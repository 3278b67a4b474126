"""`python -m mirzoo` is `mirzoo`."""

from mirzoo.cli import main

if __name__ == "__main__":
    main()
