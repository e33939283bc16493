"""What must be true of the repository as a whole."""

from __future__ import annotations

import ast
import functools
import importlib
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from stack.system.directories import ROOT
from tools import errors_page

STARTS_PROGRAMS = {"stack/system/programs.py", "stack/system/async_programs.py"}
INDEX = re.compile(
    r"""\b(?:[\w-]+\.)*(?:pypi|pythonhosted|debian|ubuntu|npmjs|yarnpkg|alpinelinux)\.(?:org|com|net|io)\b
    | https?://[\w-]+[.:@][^\s"'`)>]*(?:/simple\b|/debian\b|/dists/|/pypi/|artifactory|mirror)
    | -index(?:-url)?["',=\s]+\w+://
    | --find-links["',=\s]+\w+://""",
    re.VERBOSE | re.IGNORECASE,
)
LINES = 260
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


@functools.cache
def tracked() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


def modules() -> list[str]:
    return [name for name in tracked() if name.startswith("stack/") and name.endswith(".py")]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def imports(name: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text_of(name))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def mentions_process_start(name: str) -> bool:
    words = ("create_subprocess_exec", "create_subprocess_shell", "os.system(", "os.popen(", "os.spawn")
    return "subprocess" in imports(name) or any(word in text_of(name) for word in words)


def test_two_modules_start_programs() -> None:
    assert {name for name in modules() if mentions_process_start(name)} == STARTS_PROGRAMS


def test_nothing_runs_at_import() -> None:
    """Neither output, nor a program, nor a connection, nor a file that is written."""
    names = sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in modules()
        if not name.endswith("__main__.py")
    )
    script = f"""
import importlib, sys
def watch(event, arguments):
    if event in ("subprocess.Popen", "socket.connect", "socket.bind", "os.mkdir", "os.remove"):
        raise SystemExit(f"{{event}} at import: {{arguments}}")
sys.addaudithook(watch)
for name in {names}:
    importlib.import_module(name)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_module_of_the_engine_imports_a_service_or_the_other_way_round() -> None:
    parts = {"backend": set(), "ai-services": set(), "stack": set()}
    for name in tracked():
        part = name.split("/")[0]
        if name.endswith(".py") and part in parts:
            parts[part] |= {module.split(".")[0] for module in imports(name)}
    assert not parts["stack"] & {"django", "fastapi", "config", "api_gateway"}
    assert not {"stack"} & (parts["backend"] | parts["ai-services"])


def test_no_tracked_file_names_a_package_index() -> None:
    assert {name: found[0] for name in tracked() if (found := INDEX.search(text_of(name)))} == {}


@pytest.mark.parametrize(
    "address",
    [
        "deb.{}.org/pool".format("debian"),
        "https://files.{}.org/x.whl".format("pythonhosted"),
        "http://packages.internal:8080/{}".format("simple"),
        "https://host.example/{}/main".format("debian"),
        "--extra-{}=https://user:secret@packages.internal".format("index-url"),
        "--find-{} http://packages.internal".format("links"),
    ],
)
def test_an_address_of_an_index_would_be_noticed(address: str) -> None:
    assert INDEX.search(f"before {address} after")


def connect(host: str) -> None:
    with socket.socket() as caller:
        caller.connect((host, 9))


def send(host: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", (host, 9))


@pytest.mark.parametrize("ask", [connect, send])
def test_no_test_reaches_another_machine(ask: Callable[[str], None]) -> None:
    with pytest.raises(AssertionError, match=r"socket\.\w+ of 192\.0\.2\.1"):
        ask("192.0.2.1")


def test_no_test_looks_up_a_name_of_the_internet() -> None:
    with pytest.raises(AssertionError, match=r"socket\.getaddrinfo of shop\.example"):
        socket.getaddrinfo("shop.example", 443)


def test_modules_stay_short() -> None:
    long = {name: count for name in modules() if (count := len(text_of(name).splitlines())) > LINES}
    assert long == {}


def test_every_session_says_what_it_does_in_one_sentence() -> None:
    tree = ast.parse(text_of("noxfile.py"))
    sessions = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any("session" in ast.unparse(d) for d in node.decorator_list)
    ]
    assert len(sessions) >= 5
    for session in sessions:
        said = ast.get_docstring(session) or ""
        assert re.fullmatch(r"[A-Z][^\n]*[.)]", said), session.name


@pytest.mark.parametrize("page", [name for name in tracked() if name.endswith(".md")])
def test_links_between_files_resolve(page: str) -> None:
    targets = [(ROOT / page).parent / target for target in LINK.findall(text_of(page))]
    assert [str(target) for target in targets if not target.exists()] == []


def test_scripts_can_be_executed() -> None:
    scripts = [name for name in tracked() if text_of(name).startswith("#!")]
    assert scripts
    assert [name for name in scripts if not os.access(ROOT / name, os.X_OK)] == []


def test_every_shell_script_stops_at_its_first_error_or_counts_them() -> None:
    scripts = [name for name in tracked() if name.endswith(".sh")]
    assert [name for name in scripts if not re.search(r"^set -\w*[eu]", text_of(name), re.MULTILINE)] == []


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = Counter(kind.code for kind in errors_page.classes())
    assert [code for code, count in codes.items() if count > 1] == []
    assert not codes.keys() & {0, 2, 130}


def test_the_page_of_errors_is_the_one_that_is_generated() -> None:
    assert text_of("docs/errors.md") == errors_page.page()


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name in modules() if not ast.get_docstring(ast.parse(text_of(name)))]
    assert silent == []


DOCSTRINGS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def test_docstrings_begin_with_the_usual_verbs() -> None:
    """Return, raise, start, wait (PEP 257): no function "answers"."""
    names = [name for name in tracked() if name.endswith(".py")]
    nodes = [(name, node) for name in names for node in ast.walk(ast.parse(text_of(name)))]
    first_words = [
        (name, (ast.get_docstring(n) or " ").split(" ")[0]) for name, n in nodes if isinstance(n, DOCSTRINGS)
    ]
    assert [name for name, word in first_words if word in {"Answer", "Answers"}] == []


def test_every_word_of_inv_explains_itself() -> None:
    namespace = importlib.import_module("tasks").namespace
    tasks = {name: namespace[name] for name in namespace.task_names}
    assert len(tasks) >= 20
    assert [name for name, task in tasks.items() if not (task.__doc__ or "").strip()] == []
