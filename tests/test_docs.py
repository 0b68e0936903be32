"""What the documents say is what the program does."""

from __future__ import annotations

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
