"""Cases of data and of compose files: volumes, override files, profiles."""

from __future__ import annotations

from parity.case import Facts, case, compose_file, needs, toy
from parity.toy_stack import ToyStack


@case(
    "named volume",
    "What is in a named volume after restart, down and up, down --volumes and up?",
    services={"web": toy(volumes=["data:/data"], environment={"KEEPS": "/data/notes"})},
    volumes={"data": {}},
    expected={
        "after restart": "kept",
        "after down and up": "kept",
        "after down --volumes and up": "",
        "left": "nothing",
    },
)
def named_volume(stack: ToyStack) -> Facts:
    stack.require_up()
    stack.get("web", "/keep?text=kept")
    stack.run("restart", "web")
    after = {"after restart": stack.get("web", "/kept")}
    stack.down()
    stack.require_up()
    after["after down and up"] = stack.get("web", "/kept")
    stack.down("--volumes")
    stack.require_up()
    after["after down --volumes and up"] = stack.get("web", "/kept")
    stack.down("--volumes")
    return {**after, "left": stack.leftovers()}


@case(
    "mounted project",
    "Does an image that is not built run the project that is mounted, with a volume below it?",
    services={
        "web": {
            "image": "python:3.13-slim",
            "working_dir": "/app",
            "volumes": ["../project:/app", "media:/app/media"],
            "command": "python main.py",
        },
        "after": {
            "image": "python:3.13-slim",
            "volumes": ["media:/app/media"],
            "command": ["sh", "-c", "cat /app/media/file"],
            "depends_on": needs(web="completed"),
        },
    },
    volumes={"media": {}},
    overrides={
        "project/main.py": "import pathlib\n"
        "pathlib.Path('media/file').write_text('kept')\n"
        "print(pathlib.Path('/app/media/file').read_text(), flush=True)\n"
    },
    expected={
        "web": "completed",
        "seen": "kept",
        "seen by another": "kept",
        "in the project": "an empty folder",
    },
)
def mounted_project(stack: ToyStack) -> Facts:
    stack.require_up()
    media = stack.folder / "project" / "media"
    return {
        "web": stack.verdict("web"),
        "seen": stack.log("web", once_it_ends="kept"),
        "seen by another": stack.log("after", once_it_ends="kept"),
        "in the project": "an empty folder" if not any(media.iterdir()) else "more",
    }


@case(
    "anonymous volume",
    "What is in a volume without a name after restart, and after down and up?",
    services={"web": toy(volumes=["/data"], environment={"KEEPS": "/data/notes"})},
    expected={"after restart": "kept", "after down and up": ""},
)
def anonymous_volume(stack: ToyStack) -> Facts:
    stack.require_up()
    stack.get("web", "/keep?text=kept")
    stack.run("restart", "web")
    restarted = stack.get("web", "/kept")
    stack.down()
    stack.require_up()
    return {"after restart": restarted, "after down and up": stack.get("web", "/kept")}


@case(
    "tmpfs",
    "What is in a tmpfs after restart, and after down and up?",
    services={"web": toy(tmpfs=["/data"], environment={"KEEPS": "/data/notes"})},
    expected={"before": "kept", "after restart": "", "after down and up": ""},
)
def tmpfs(stack: ToyStack) -> Facts:
    stack.require_up()
    stack.get("web", "/keep?text=kept")
    before = stack.get("web", "/kept")
    stack.run("restart", "web")
    after = stack.get("web", "/kept")
    stack.down()
    stack.require_up()
    return {"before": before, "after restart": after, "after down and up": stack.get("web", "/kept")}


@case(
    "override file",
    "A second file changes the first and adds a service.",
    services={"web": toy(environment={"GREETING": "from the first", "KEEPS": "unchanged"})},
    overrides={
        "compose/override.yml": compose_file(
            {"web": {"environment": {"GREETING": "from the second"}}, "more": toy()}
        )
    },
    expected={
        "log of web": "serving from the second",
        "services": "more web",
        "what was not changed": "unchanged",
    },
)
def override_file(stack: ToyStack) -> Facts:
    stack.require_up()
    return {
        "log of web": stack.log("web", once_it_ends="serving"),
        "services": " ".join(sorted(stack.order("ready").split())),
        "what was not changed": stack.run("exec", "web", "--command", "sh -c 'echo $KEEPS'").out.strip(),
    }


@case(
    "active profile",
    "A service of a profile starts where the profile is active.",
    services={"web": toy(), "debug": toy(profiles=["debug"])},
    profiles=("debug",),
    expected={"services": "debug web", "debug answers": "well"},
)
def profile(stack: ToyStack) -> Facts:
    stack.require_up()
    return {
        "services": " ".join(sorted(stack.order("ready").split())),
        "debug answers": stack.get("debug", "/health"),
    }


@case(
    "inactive profile",
    "A service of a profile does not start where the profile is not active.",
    services={"web": toy(), "debug": toy(profiles=["debug"])},
    expected={"services": "web"},
)
def no_profile(stack: ToyStack) -> Facts:
    stack.require_up()
    return {"services": " ".join(sorted(stack.order("ready").split()))}
