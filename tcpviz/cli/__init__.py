"""The command line: parse, call one verb, write, exit code. No logic lives here.

Commands are loaded only when they are named, and load their libraries only when they run.
"""

from __future__ import annotations

import importlib
import io
import os
import sys

import click

from tcpviz import __version__
from tcpviz.cli.speech import echo
from tcpviz.errors import TcpvizError

_COMMANDS = {
    "simulate": "play a scenario in the model: ladder, picture, JSON",
    "capture": "capture real traffic on loopback, or perform a scenario there, and match it",
    "match": "explain a capture with the model, and say where it breaks the rules",
    "scenarios": "list the scenarios that simulate and capture know by name",
    "segment": "draw one segment bit by bit, with its real values and bytes",
    "states": "draw the state machine of RFC 9293, plain or as a scenario walks it",
}


class _Lazy(click.Group):
    """Knows its commands' names and one line of each; imports a command's module to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"tcpviz.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tcpviz")
def group() -> None:
    """See TCP begin and end: simulate the handshake and the close, capture them, match the two, draw them.

    \b
    tcpviz simulate                              a connection in the model
    tcpviz capture --scenario normal -o run.png  the same on this machine's kernel, no root needed
    tcpviz match run.pcap                        is this capture right, and if not, where?
    """


def _silence() -> None:
    """Nothing more can be written; Python must not try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """The program: errors become one line on standard error and the exit code of the contract."""
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # what a terminal cannot show is a question mark
        code = group.main(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        code = done.exit_code
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)
        echo(told.getvalue(), err=True, nl=False)
        code = error.exit_code
    except click.Abort:
        code = 130
    except TcpvizError as error:
        echo(f"tcpviz: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        # whoever read our output has seen enough
        _silence()
        code = 0
    except OSError as error:
        echo(f"tcpviz: cannot write to standard output: {error.strerror}", err=True)
        _silence()
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
