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
    page = gallery.build(tmp_path, {name: commands[-1:] for name, commands in gallery.SECTIONS.items()}).read_text()
    pictures = re.findall(r'<img loading="lazy" src="([^"]+)" alt="([^"]+)">', page)
    assert page.count("<figure>") == len(gallery.SECTIONS)
    assert {file for file, _ in pictures} == {path.name for path in tmp_path.glob("*.svg")}
    assert [title for _, title in pictures if not title] == []
