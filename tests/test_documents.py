"""What the documents list is what there is."""

import re
from pathlib import Path

import pytest

from providers.adapters import KINDS
from providers.models import Provider
from providers.structured import KIND_DEFAULTS

ROOT = Path(__file__).parent.parent
VARIABLE = re.compile(r"""["'](WIZ_[A-Z_]+)["']""")
FILE = re.compile(r"`((?:[a-z_]+/)+[a-z_*]+\.(?:py|md|html|js|css))")


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", ["README.md", ".env.example"])
def test_every_variable_that_is_read_is_explained(name: str) -> None:
    code = "".join(path.read_text() for path in (ROOT / "wizsite").rglob("*.py"))
    known = set(VARIABLE.findall(code))
    assert len(known) > 20
    assert known <= set(re.findall(r"WIZ_[A-Z_]+", read(name)))


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md", "README.md"])
def test_every_file_that_is_named_exists(name: str) -> None:
    named = FILE.findall(read(name))
    missing = [path for path in named if not list(ROOT.glob(path))]
    assert missing == []


def test_a_kind_is_the_same_in_every_table() -> None:
    assert dict(Provider.Kind.choices) == {kind: row.label for kind, row in KINDS.items()}
    assert set(KIND_DEFAULTS) == set(KINDS)
