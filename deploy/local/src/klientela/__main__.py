"""`python -m klientela` is the same as the `klientela` script."""

from klientela.cli import main

main()
