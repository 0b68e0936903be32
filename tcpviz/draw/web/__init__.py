"""Exchange -> one HTML file: the sequence diagram step by step, the state machine beside it, each header explained.

It needs no network and no library: its script and its style stand in it, and its policy lets nothing else run. What
comes from a capture travels as JSON in which no markup can end, and is shown as text only.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Any
from xml.etree import ElementTree

from tcpviz.draw import describe
from tcpviz.draw.drawing import WIDE, Role
from tcpviz.draw.metrics import Metrics, printable
from tcpviz.draw.sequence import told
from tcpviz.draw.state_chart import machine
from tcpviz.draw.theme import DARK, LIGHT, Theme, contrast
from tcpviz.draw.udp_flow import flow
from tcpviz.draw.view import View
from tcpviz.draw.web import figures
from tcpviz.draw.web.phrases import Phrases, ends_in, phrases_in
from tcpviz.draw.web.script import Script, script_of, script_of_flow
from tcpviz.draw.words import Words
from tcpviz.exchange.exchange import Connection, Exchange
from tcpviz.graph import Edge
from tcpviz.value import fields

MOST = 8
"""Connections on one page, and flows beside them."""


def render(
    exchange: Exchange,
    names: Sequence[str],
    edges: Sequence[Edge],
    *,
    title: str,
    view: View,
    pages: int,
    theme: Theme | None,
    metrics: Metrics,
    words: Words,
) -> bytes:
    """The page. Without a theme it is light or dark, as the reader's system is."""
    phrases = phrases_in(words.language)
    shown = _worth_seeing(exchange.connections)
    scripts: list[Script] = []
    count = len(exchange.connections)
    names = names or [f"TCP {n + 1}" for n in range(count)] + [f"UDP {n + 1}" for n in range(len(exchange.flows))]
    for number, connection in shown:
        ends = f"{printable(str(connection.client.address))} → {printable(str(connection.server.address))}"
        name = f"{printable(names[number - 1])}: {ends}"
        pictures = list(told(connection, title, view, metrics, words, pages))
        description = describe.connection(connection, view.numbers, words)
        scripts.append(script_of(connection, name, pictures, view, edges, words, phrases, description))
    for datagrams, called in zip(exchange.flows[:MOST], names[count:], strict=False):
        drawing = flow(datagrams, title=title, view=view, metrics=metrics, words=words)
        name = f"{printable(called)}: {' ↔ '.join(printable(str(endpoint)) for endpoint in datagrams.endpoints)}"
        scripts.append(script_of_flow(datagrams, name, drawing, words, phrases))
    omitted = len(exchange.connections) + len(exchange.flows) - len(scripts)
    look = theme or LIGHT
    data = {
        "words": _said(phrases),
        "names": ends_in(words.language),
        "connections": [script.data for script in scripts],
    }
    style, code = (_asset("page.css").replace("/* colours */", _colours(theme)), _asset("page.js"))
    language = words.language.tag
    return (
        Template(_asset("page.html"))
        .substitute(
            {f"say_{name}": html.escape(value) for name, value in _said(phrases).items()},
            language=language,
            policy=_policy(style, code),
            title=html.escape(printable(title)),
            style=style,
            script=code,
            data=_inert(data),
            choice="" if len(scripts) > 1 else "hidden",
            connections="".join(f"<option>{html.escape(script.name)}</option>" for script in scripts),
            omitted=html.escape(phrases.omitted.format(count=omitted)) if omitted > 0 else "",
            slides="".join(_slides(scripts, look, phrases)),
            machine=_machine(edges, look, metrics, words, phrases) if exchange.connections else "",
            machine_hidden="" if exchange.connections else "hidden",
            description=html.escape("\n\n".join(script.description for script in scripts)),
        )
        .encode()
    )


def _worth_seeing(connections: Sequence[Connection]) -> list[tuple[int, Connection]]:
    """Those that violate before the others, if not all can be shown; in the order of the capture."""
    numbered = list(enumerate(connections, 1))
    return sorted(sorted(numbered, key=lambda item: item[1].conforms)[:MOST], key=lambda item: item[0])


def _slides(scripts: Iterable[Script], theme: Theme, phrases: Phrases) -> Iterable[str]:
    for number, script in enumerate(scripts):
        for page, slide in enumerate(script.slides):
            svg = figures.stepped(slide.drawing, theme, slide.since, slide.until, slide.labels, phrases.diagram)
            yield f'<div class="slide" data-connection="{number}" data-slide="{page}">{_markup(svg)}</div>'


def _machine(edges: Sequence[Edge], theme: Theme, metrics: Metrics, words: Words, phrases: Phrases) -> str:
    drawing = machine(edges, {}, None, title="", slide=WIDE, metrics=metrics, words=words)
    return _markup(figures.machine(drawing, theme, (words.client[0], words.server[0]), metrics, phrases.machine))


def _markup(svg: ElementTree.Element) -> str:
    text: str = ElementTree.tostring(svg, encoding="unicode")
    return text


def _said(phrases: Phrases) -> dict[str, str]:
    return {name: getattr(phrases, name) for name in fields(Phrases)}


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _colours(theme: Theme | None) -> str:
    """As custom properties. On paper nothing is light on dark."""
    screen = f":root{{{figures.variables(theme or LIGHT)}}}"
    if theme is None:
        screen += f"@media screen and (prefers-color-scheme:dark){{:root{{{figures.variables(DARK)}}}}}"
    elif contrast(theme.colours[Role.HALO], "#FFFFFF") > contrast(theme.colours[Role.HALO], "#000000"):
        screen += f"@media print{{:root{{{figures.variables(LIGHT)}}}}}"
    return screen


def _policy(style: str, code: str) -> str:
    """This script and this style, and nothing from anywhere."""
    ours = f"script-src {_hash(code)}; style-src {_hash(style)}"
    return f"default-src 'none'; {ours}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _inert(data: dict[str, Any]) -> str:
    """JSON in plain ASCII, in which nothing looks like markup: it can end no element and begin none."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
