"""The programs of the usual socket tutorial, as people type them in, and made right where it is wrong.

    python -m tcpviz.tutorial.tcp_turns_server        in one terminal
    python -m tcpviz.tutorial.tcp_turns_client        in another
    python -m tcpviz.tutorial tcp-turns               both, typed by nobody

Each file is a program by itself: it imports nothing of tcpviz, and nothing of tcpviz imports it. docs/tutorial.md
goes through them.
"""
