"""What a Dockerfile's RUN installs is found in its shell text."""

from __future__ import annotations

import pytest

from stack.environments.build_commands import file_commands, install_commands
from stack.plan.image_config import BuildCommand


def commands(text: str) -> list[tuple[str, str, str]]:
    found = install_commands([BuildCommand(text=text, working_dir="/app")])
    return [(each.tool, " ".join(each.words), each.folder) for each in found]


@pytest.mark.parametrize(
    ("text", "tool", "words"),
    [
        ("pip install -r requirements.txt", "pip", "-r requirements.txt"),
        ("pip3 install --no-cache-dir flask redis", "pip", "--no-cache-dir flask redis"),
        ("python -m pip install flask", "pip", "flask"),
        ("python3.12 -m pip --python /venv/bin/python install x", "pip", "x"),
        ("/venv/bin/pip install x", "pip", "x"),
        ("uv pip install --system x", "pip", "--system x"),
        ("PIP_NO_CACHE=1 pip install x", "pip", "x"),
        ("apt-get update && pip install x; rm -r y", "pip", "x"),
        ("if [ -s a ]; then export B=c; fi; \\\n python -m pip install x", "pip", "x"),
        ("pip wheel --wheel-dir /w -r a.txt", "pip", "--wheel-dir /w -r a.txt"),
        ("uv sync --frozen --no-dev", "uv", "--frozen --no-dev"),
        ("poetry install --only main", "poetry", "--only main"),
        ("pdm sync --prod", "pdm", "--prod"),
        ("npm ci --omit=dev", "npm", "--omit=dev"),
        ("npm install", "npm", ""),
        ("<<EOF\nset -e\npip install x\nEOF", "pip", "x"),
    ],
)
def test_a_command_that_installs_is_found(text: str, tool: str, words: str) -> None:
    assert commands(text) == [(tool, words, "/app")]


@pytest.mark.parametrize(
    "text",
    [
        "apt-get install -y pip",
        "npm install -g pnpm",
        "npm run build",
        "pip --version",
        "echo 'pip install",
        "uv run x",
    ],
)
def test_other_commands_install_nothing(text: str) -> None:
    assert commands(text) == []


def test_the_folder_of_a_command_is_the_one_it_is_run_in() -> None:
    assert commands("cd web && npm ci && cd /srv && pip install x") == [
        ("npm", "", "/app/web"),
        ("pip", "x", "/srv"),
    ]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("mkdir -p static && echo built > static/built.txt", ("echo built > static/built.txt",)),
        ("python manage.py collectstatic --noinput", ("python manage.py collectstatic --noinput",)),
        ("npm ci && npm run build", ("npm run build",)),
        ("chmod +x a.sh && ./a.sh && sh ./b.sh", ("./a.sh", "sh ./b.sh")),
        ("make all; git clone https://x/y", ("make all", "git clone https://x/y")),
        ("apt-get update && apt-get install -y curl > /dev/null && rm -rf /var/lib/apt/lists/*", ()),
        ("curl -fsSL https://deb.x/k.asc | gpg --dearmor > /etc/apt/k.gpg", ()),
        ("pip install -r requirements.txt && python -m compileall -q . 2>&1", ()),
        ("useradd -m app && chown -R app /data", ()),
    ],
)
def test_commands_that_make_files_of_the_project_are_found(text: str, made: tuple[str, ...]) -> None:
    assert file_commands([BuildCommand(text=text, working_dir="/")]) == made
