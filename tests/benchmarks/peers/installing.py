"""Fetches the peers from their registries into a folder of their own: pinned, and never among our dependencies."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.figure import PeerMissing

NONEBOT = (
    "nonebot2[fastapi,httpx]==2.5.0",
    "nonebot-adapter-telegram==0.1.0b20",
    "nonebot-plugin-orm==0.8.4",
    "aiosqlite==0.22.1",
)
KOISHI = (
    "koishi@4.18.11",
    "@koishijs/plugin-http@0.6.3",
    "@koishijs/plugin-server@3.2.9",
    "@satorijs/adapter-telegram@4.5.11",
    "@minatojs/driver-sqlite@4.7.0",
)
INSTALL_WITHIN_S = 600


def nonebot(folder: Path) -> Path:
    """Return the interpreter that has NoneBot2. Raises PeerMissing."""
    home = folder / "peers" / "nonebot"
    if not _is_there(home, NONEBOT):
        shutil.rmtree(home, ignore_errors=True)
        _run("NoneBot2", sys.executable, "-m", "venv", str(home))
        pip = (str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet")
        _run("NoneBot2", *pip, "install", *NONEBOT)
        _note(home, NONEBOT)
    return home / "bin" / "python"


def koishi(folder: Path) -> tuple[Path, Path]:
    """Return Node.js, and the folder in which it finds Koishi. Raises PeerMissing."""
    home = folder / "peers" / "koishi"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise PeerMissing("Koishi needs Node.js and npm: install Debian's packages nodejs and npm")
    if not _is_there(home, KOISHI):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        _run("Koishi", npm, "install", *quiet, "--prefix", str(home), *KOISHI)
        _note(home, KOISHI)
    return Path(node), home / "node_modules"


def _run(peer: str, *command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(f"{peer} cannot be installed: {error}") from error
    if done.returncode:
        raise PeerMissing(f"{peer} cannot be installed: {(done.stderr or done.stdout).strip()[-500:]}")


def _is_there(home: Path, pins: tuple[str, ...]) -> bool:
    note = home / "pins"
    return note.is_file() and note.read_text("utf8").split() == list(pins)


def _note(home: Path, pins: tuple[str, ...]) -> None:
    (home / "pins").write_text("\n".join(pins), "utf8")
