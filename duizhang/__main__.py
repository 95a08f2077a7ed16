"""`python -m duizhang`: the command line."""

from duizhang.cli import main

main()
