"""What no linter can say of the house: its top level, the domain's imports, the pins and the licence."""

import ast
import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PACKAGES = {"bot", "channels", "domain", "projections", "scheduler"}
FOLDERS = PACKAGES | {".ci", "docs", "tests"}
FILES = {
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "requirements.lock",
}

# In the standard library too, these do what the domain leaves to the edge: I/O, time, chance, concurrency.
NOT_FOR_THE_DOMAIN = {"asyncio", "logging", "os", "random", "socket", "sqlite3", "threading", "time"}

LONGEST_MODULE_LINES = 400
LONGEST_FUNCTION_LINES = 70

# Names that say nothing attract everything.
SHAPELESS_NAMES = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

# Spelled in parts, so that this file does not name what it forbids.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("pypi", "tuna"),
        ("mirrors", "aliyun"),
    )
]

# SHA-256 of the text as the Apache Software Foundation publishes it (LICENSE-2.0.txt, January 2004).
APACHE_2_0_SHA256 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in the checkout; the caller judges the exit code."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def files_in_the_house() -> list[Path]:
    """Every file that git tracks or would track, ignored ones left out: sorted, relative to the checkout."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    assert listed.returncode == 0, listed.stderr
    paths = {Path(name) for name in listed.stdout.split("\0") if name}
    return sorted(path for path in paths if (ROOT / path).is_file())


def python_files(*folders: str) -> list[Path]:
    """The Python files below these top-level folders, relative to the checkout; never none at all."""
    found = [path for path in files_in_the_house() if path.suffix == ".py" and path.parts[0] in folders]
    assert found, f"no Python file in {folders}"
    return found


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file of the checkout."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def imported_roots(tree: ast.Module) -> Iterator[str]:
    """The first name of every absolute import anywhere in a module, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module.partition(".")[0]


def pinned_requirements() -> list[str]:
    """The entries of requirements.lock, each with its hashes on one line, without comments."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def test_the_top_level_is_exactly_the_packages_and_their_companions() -> None:
    files = files_in_the_house()
    assert {path.parts[0] for path in files if len(path.parts) > 1} == FOLDERS
    assert {path.name for path in files if len(path.parts) == 1} - FILES == set()


def test_the_wheel_holds_exactly_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = set(project["tool"]["setuptools"]["packages"]["find"]["include"])
    assert included == PACKAGES | {f"{package}.*" for package in PACKAGES}


def test_the_import_contracts_watch_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["importlinter"]["root_packages"]) == PACKAGES


def test_every_folder_with_modules_is_a_package_so_that_the_import_contracts_see_it() -> None:
    folders = {path.parent for path in python_files(*PACKAGES)} - {Path("bot/migrations")}
    unseen = {
        folder
        for folder in folders
        if Path("bot/migrations") not in folder.parents and not (ROOT / folder / "__init__.py").is_file()
    }
    assert unseen == set()


def test_the_domain_imports_only_the_pure_part_of_the_standard_library() -> None:
    allowed = (sys.stdlib_module_names - NOT_FOR_THE_DOMAIN) | {"domain"}
    strangers = {str(path): set(imported_roots(parsed(path))) - allowed for path in python_files("domain")}
    assert {path: names for path, names in strangers.items() if names} == {}


def test_no_module_is_named_for_nothing() -> None:
    shapeless = [
        str(path)
        for path in python_files(*FOLDERS)
        if SHAPELESS_NAMES & {part.removesuffix(".py") for part in path.parts}
    ]
    assert shapeless == []


def test_modules_stay_readable_in_one_sitting() -> None:
    lengths = {
        str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in python_files(*PACKAGES)  # a suite over one subject may be longer: it is read by the test
    }
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE_LINES} == {}


def test_functions_stay_readable_on_one_screen() -> None:
    too_long = [
        f"{path}:{node.lineno} {node.name}"
        for path in python_files(*PACKAGES, "tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION_LINES
    ]
    assert too_long == []


def test_every_pin_is_one_version_with_hashes_and_names_no_place() -> None:
    shape = re.compile(r"[a-z0-9][a-z0-9._-]*==[^\s;]+( ;[^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    pins = pinned_requirements()
    assert len(pins) > len(PACKAGES)
    assert [pin for pin in pins if not shape.fullmatch(pin)] == []


def test_every_dependency_of_the_project_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
    ]
    names = {re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0] for requirement in wanted}
    assert names - {pin.partition("==")[0] for pin in pinned_requirements()} == set()


def test_no_text_names_a_package_registry() -> None:
    patterns = [argument for host in REGISTRY_HOSTS for argument in ("-e", host)]
    found = git("grep", "--untracked", "-I", "-i", "-F", "--line-number", *patterns)
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "")  # 1: searched, found none


def test_the_licence_is_the_unchanged_apache_2_0() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0_SHA256
