"""What a Dockerfile's ``RUN`` installs: the commands of pip, uv, Poetry, PDM and npm in its shell text."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from stack.plan.image_config import BuildCommand

Tool = Literal["pip", "uv", "poetry", "pdm", "npm"]

_SEPARATOR: Final = re.compile(r"&&|\|\||[;\n|]")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_PREFIXES: Final = frozenset(("sudo", "exec", "time", "env", "set", "then", "do", "else", "if"))
_BUNDLERS: Final = frozenset(("npm", "yarn", "pnpm", "npx"))
_MAKERS: Final = frozenset(("make", "git", "tar", "unzip", "npx", "django-admin"))
_NO_MAKERS: Final = frozenset(("apt-get", "apt", "apk", "curl", "wget"))
"""What these make is of the system, or an installer."""

_REDIRECTION: Final = re.compile(r"(?<![0-9&])>>?\s*(?!/dev/|/etc/|&)\S")
_VERBS: Final[dict[Tool, frozenset[str]]] = {
    "pip": frozenset(("install", "wheel")),
    "uv": frozenset(("sync",)),
    "poetry": frozenset(("install", "sync")),
    "pdm": frozenset(("install", "sync")),
    "npm": frozenset(("ci", "install", "i", "clean-install")),
}


@dataclass(frozen=True, kw_only=True)
class InstallCommand:
    """One command that installs packages: the words after its verb, and its folder in the image."""

    tool: Tool
    words: tuple[str, ...]
    folder: str


def install_commands(commands: Iterable[BuildCommand]) -> tuple[InstallCommand, ...]:
    """Return the commands among ``commands`` that install packages, in their order."""
    return tuple(each for command in commands for each in _of_text(command.text, command.working_dir))


def file_commands(commands: Iterable[BuildCommand]) -> tuple[str, ...]:
    """Return the commands that make files of the project, such as ``python manage.py collectstatic``."""
    parts = (part.strip() for command in commands for part in _SEPARATOR.split(command.text))
    return tuple(" ".join(part.split()) for part in parts if _makes_files(part))


def bundle_commands(commands: Iterable[BuildCommand]) -> tuple[str, ...]:
    """Return those of ``file_commands`` that bundle: what is copied from their stage is what they make."""
    return tuple(each for each in file_commands(commands) if posixpath.basename(_words(each)[0]) in _BUNDLERS)


def _makes_files(part: str) -> bool:
    words = _words(part)
    if not words or words[0] in _NO_MAKERS:
        return False
    name, first = posixpath.basename(words[0]), words[1] if len(words) > 1 else ""
    if re.fullmatch(r"python[\d.]*", name):
        return first.endswith(".py") or first == "-c"
    if name in ("npm", "yarn", "pnpm"):
        return first in ("run", "build")
    if name in ("sh", "bash"):
        return first.endswith(".sh")
    return name in _MAKERS or words[0].startswith("./") or bool(_REDIRECTION.search(part))


def shell_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command in a shell text, without what may stand before its program."""
    for part in _SEPARATOR.split(re.sub(r"<<-?\s*['\"]?\w+['\"]?", "", text)):
        if words := _words(part):
            yield words


def _of_text(text: str, folder: str) -> Iterator[InstallCommand]:
    for words in shell_commands(text):
        if words[:1] == ["cd"] and len(words) > 1:
            folder = posixpath.normpath(posixpath.join(folder, words[1]))
        elif (command := _command(words, folder)) is not None:
            yield command


def _words(part: str) -> list[str]:
    try:
        words = shlex.split(part, comments=True)
    except ValueError:
        return []
    while words and (words[0] in _PREFIXES or _ASSIGNMENT.match(words[0])):
        words = words[1:]
    return words


def _command(words: list[str], folder: str) -> InstallCommand | None:
    tool, rest = _tool(words)
    if tool is None:
        return None
    for index, word in enumerate(rest):
        if word in _VERBS[tool]:
            is_global = tool == "npm" and {"-g", "--global"} & set(rest)
            return (
                None
                if is_global
                else InstallCommand(tool=tool, words=tuple(rest[index + 1 :]), folder=folder)
            )
        if not word.startswith("-") and not rest[index - 1].startswith("--"):
            return None
    return None


def _tool(words: list[str]) -> tuple[Tool | None, list[str]]:
    """The tool that a command calls, and the words after it: ``python -m pip``, ``uv pip``, ``pip3``."""
    name = posixpath.basename(words[0]) if words else ""
    if re.fullmatch(r"python[\d.]*", name) and words[1:2] == ["-m"] and len(words) > 2:
        return _tool(words[2:])
    if re.fullmatch(r"pip[\d.]*", name):
        return "pip", words[1:]
    if name == "uv" and words[1:2] == ["pip"]:
        return "pip", words[2:]
    for tool in ("uv", "poetry", "pdm", "npm"):
        if name == tool:
            return tool, words[1:]
    return None, []
