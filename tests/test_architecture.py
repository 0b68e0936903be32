"""Law 5, one home each: the tools that enforce it pass on this tree, and object when it is broken."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = Path(sys.executable).parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = {"scapy", "networkx", "matplotlib", "numpy", "fpdf", "fontTools", "PIL"}
IMPORTED = {"pillow": "PIL", "fpdf2": "fpdf", "fonttools": "fontTools"}
"""Distributions whose module has another name."""


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    return run(TOOLS / "lint-imports", "--no-cache", cwd=tree)


def ruff(tree: Path) -> subprocess.CompletedProcess[str]:
    return run(TOOLS / "ruff", "check", "--no-cache", "--select", "TID251", "tcpviz", cwd=tree)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the tree, to break."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "tcpviz", tmp_path / "tcpviz", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_this_tree_keeps_its_contracts() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout


def test_a_model_that_imports_scapy_is_caught_twice(copy: Path) -> None:
    assert ruff(copy).returncode == 0
    assert lint_imports(copy).returncode == 0
    broken = copy / "tcpviz/model/sequence.py"
    broken.write_text(broken.read_text(encoding="utf-8") + "\nimport scapy.all\n", encoding="utf-8")

    checked = ruff(copy)
    assert checked.returncode == 1
    assert "`scapy` is banned: scapy lives in tcpviz/frames" in checked.stdout

    linted = lint_imports(copy)
    assert linted.returncode == 1
    assert "scapy lives in tcpviz.frames BROKEN" in linted.stdout
    assert "tcpviz.model.sequence -> scapy" in linted.stdout


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("model/added.py", "import tcpviz.errors", "Dependencies point downwards"),
        ("model/added.py", "import tcpviz.exchange", "Dependencies point downwards"),
        ("exchange/added.py", "import tcpviz.draw", "Dependencies point downwards"),
        ("frames/added.py", "import tcpviz.lab", "Dependencies point downwards"),
        ("lab/added.py", "import tcpviz.draw", "Dependencies point downwards"),
        ("unplaced/__init__.py", "", "Dependencies point downwards"),
        ("draw/added.py", "import tcpviz.lab", "What draws needs nothing but the Exchange"),
        ("graph/added.py", "import tcpviz.frames", "What draws needs nothing but the Exchange"),
        ("frames/added.py", "import click", "click lives in tcpviz.cli"),
        ("draw/added.py", "import matplotlib.pyplot", "matplotlib lives in tcpviz.draw.to_png"),
        ("draw/added.py", "from fpdf import FPDF", "fpdf2 lives in tcpviz.draw.to_pdf"),
        ("draw/added.py", "from PIL import Image", "Pillow lives in tcpviz.draw.pixels"),
        ("draw/added.py", "import fontTools.ttLib", "fontTools lives in tcpviz.draw.faces"),
        ("language.py", "import tcpviz.exchange", "Dependencies point downwards"),
        ("exchange/added.py", "from msgspec import Struct", "msgspec lives in tcpviz.value"),
        ("draw/added.py", "import networkx", "networkx lives in tcpviz.graph"),
        ("graph/added.py", "import numpy", "NumPy waits for tcpviz.bulk"),
        ("lab/added.py", "from scapy.layers.inet import TCP", "scapy lives in tcpviz.frames"),
    ],
)
def test_each_contract_can_be_broken(copy: Path, module: str, statement: str, contract: str) -> None:
    path = copy / "tcpviz" / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(statement, encoding="utf-8")
    linted = lint_imports(copy)
    assert linted.returncode == 1
    assert re.findall(r"^(.+) BROKEN", linted.stdout, re.MULTILINE) == [contract]


def distribution(requirement: str) -> str:
    return re.split(r"\W", requirement)[0]


def test_every_dependency_has_one_home() -> None:
    dependencies = {IMPORTED.get(name, name) for name in map(distribution, PYPROJECT["project"]["dependencies"])}
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    homed = {name for contract in contracts for name in contract.get("protected_modules", [])}
    banned = set(PYPROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])
    assert homed == dependencies
    assert banned == dependencies | {"numpy", "dataclasses"}


def loaded_by(code: str) -> set[str]:
    """The top-level packages in sys.modules after `code` ran in an interpreter of its own."""
    epilogue = "import sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    ended = run(sys.executable, "-c", f"try:\n    {code}\nfinally:\n    {epilogue}")
    return set(ended.stderr.splitlines()[-1].split())


def test_importing_tcpviz_loads_no_library() -> None:
    loaded = loaded_by("import tcpviz")
    assert "tcpviz" in loaded
    assert loaded.isdisjoint(HEAVY | {"click"})


@pytest.mark.parametrize("arguments", [["--help"], ["simulate"], ["simulate", "--json"], ["scenarios", "--names"]])
def test_what_needs_no_library_loads_none(arguments: list[str]) -> None:
    loaded = loaded_by(f"import sys; sys.argv = ['tcpviz', *{arguments}]; from tcpviz.cli import main; main()")
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_no_file_is_two_files() -> None:
    long = {path.name for path in (ROOT / "tcpviz").rglob("*.py") if len(path.read_text("utf-8").splitlines()) > 400}
    assert not long, "a file that passes 400 lines is two files"


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_the_files_to_open_are_there(document: str) -> None:
    named = re.findall(r"`((?:tcpviz|tests)/[^`]*)`", (ROOT / document).read_text(encoding="utf-8"))
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]
