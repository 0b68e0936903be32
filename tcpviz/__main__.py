"""`python -m tcpviz` is the same program."""

from tcpviz.cli import main

main()
