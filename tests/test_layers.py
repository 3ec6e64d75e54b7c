"""Imports run down one line, and some things happen in one place only."""

import ast
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("wizsite", "conversations", "agents", "providers", "accounts")  # each may import itself and what follows
# Django and Celery find these by the environment and by the package: configuration, not a dependency on the top layer.
VENDOR_SDKS = {"openai", "anthropic"}
READERS = {"environ", "environb", "getenv", "getenvb"}


def sources(*packages: str) -> list[Path]:
    """The packages' modules, without migrations."""
    found = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def parsed(path: Path) -> ast.Module:
    """The module's tree. A collection of garbage in the middle makes Python 3.11 lose count of its own depth."""
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        gc.enable()


def imported_modules(path: Path) -> Iterator[str]:
    """Every module that ``path`` imports, anywhere in it, for typing as well."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def reads_environment(path: Path) -> bool:
    """Whether a module looks at the process environment; writing for children and naming the settings is no reading."""
    tree = parsed(path)
    writes = {
        id(node.func.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr == "update" or (node.func.attr == "setdefault" and names_settings(node)))
    }
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in READERS)
    from_os = (name for name in imported_modules(path) if name in {f"os.{reader}" for reader in READERS})
    return any(
        id(node) not in writes and isinstance(node.value, ast.Name) and node.value.id == "os" for node in found
    ) or any(from_os)


def names_settings(call: ast.Call) -> bool:
    """``setdefault("DJANGO_SETTINGS_MODULE", …)``."""
    return bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == "DJANGO_SETTINGS_MODULE"


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_only_run_down_the_line(layer: str) -> None:
    above = set(LAYERS[: LAYERS.index(layer)])
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(layer)
        for name in imported_modules(path)
        if name.split(".")[0] in above
    }
    assert not wrong


def test_only_the_adapters_import_a_vendors_sdk() -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(*LAYERS)
        for name in imported_modules(path)
        if name.split(".")[0] in VENDOR_SDKS and not path.is_relative_to(ROOT / "providers" / "adapters")
    }
    assert not wrong


def test_only_one_module_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT)) for path in [*sources(*LAYERS), ROOT / "manage.py"] if reads_environment(path)
    }
    assert readers == {"wizsite/env.py"}


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['X']",
        "import os\nos.environ.get('X')",
        "import os\nos.getenv('X')",
        "from os import environ",
        "import os\nos.environ.setdefault('X', '1')",
        "import os\ndict(os.environ)",
    ],
)
def test_the_environment_check_finds_readers(tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_layers.ROOT", tmp_path)
    (tmp_path / "module.py").write_text(source)
    assert reads_environment(tmp_path / "module.py")


def test_the_import_check_sees_relative_and_late_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_layers.ROOT", tmp_path)
    (tmp_path / "accounts").mkdir()
    module = tmp_path / "accounts" / "module.py"
    module.write_text("def f():\n    from . import models\n    from wizsite import env\n    import openai.types\n")
    assert {"accounts.models", "wizsite.env", "openai.types"} <= set(imported_modules(module))
