"""What the documents say is what the program does."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from tcpviz.exchange import notation, scenario_file

ROOT = Path(__file__).parents[1]


def test_generated_documents_have_not_drifted() -> None:
    ran = subprocess.run([sys.executable, "docs/make.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_key_of_a_scenario_file_is_described() -> None:
    text = (ROOT / "docs" / "scenario-files.md").read_text()
    keys = {*scenario_file.TOP, *scenario_file.SIDE, *scenario_file.NETWORK, *scenario_file.INJECTED}
    verbs = set(notation.VERBS)
    assert [word for word in keys | verbs if not re.search(rf"\b{word}\b", text)] == []


def test_the_gallery_shows_what_its_commands_draw(tmp_path: Path) -> None:
    """One command of each section; the scenarios are all drawn elsewhere."""
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "docs" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    sections = {name: commands[-1:] for name, commands in gallery.SECTIONS.items()}
    sections["Formats"] = gallery.SECTIONS["Formats"][:10]
    page = gallery.build(tmp_path, sections).read_text()
    shown = re.findall(r'<(?:img|iframe) loading="lazy" src="([^"#]+)(?:#9)?" (?:alt|title)="([^"]+)">', page)
    assert page.count("<figure>") == sum(map(len, sections.values()))
    sources = {".tex", ".mmd", ".puml", ".txt", ".json"}
    drawn = {path.name for path in tmp_path.iterdir()} - {"index.html"}
    assert {Path(name).suffix for name in drawn} == {".png", ".svg", ".pdf", ".gif", ".html", *sources}
    assert {name for name, _ in shown} == {name for name in drawn if Path(name).suffix not in sources}
    assert page.count("<pre ") == len(sources)
    assert "exercise-answers.png" in drawn
