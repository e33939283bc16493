"""Cases of data and description: volumes, override files, profiles."""

from __future__ import annotations

from parity.case import Facts, case, described, toy
from parity.stage import Stage


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
def named_volume(stage: Stage) -> Facts:
    stage.must_up()
    stage.get("web", "/keep?text=kept")
    stage.run("restart", "web")
    after = {"after restart": stage.get("web", "/kept")}
    stage.down()
    stage.must_up()
    after["after down and up"] = stage.get("web", "/kept")
    stage.down("--volumes")
    stage.must_up()
    after["after down --volumes and up"] = stage.get("web", "/kept")
    stage.down("--volumes")
    return {**after, "left": stage.left()}


@case(
    "anonymous volume",
    "What is in a volume without a name after restart, and after down and up?",
    services={"web": toy(volumes=["/data"], environment={"KEEPS": "/data/notes"})},
    expected={"after restart": "kept", "after down and up": ""},
)
def anonymous_volume(stage: Stage) -> Facts:
    stage.must_up()
    stage.get("web", "/keep?text=kept")
    stage.run("restart", "web")
    kept = stage.get("web", "/kept")
    stage.down()
    stage.must_up()
    return {"after restart": kept, "after down and up": stage.get("web", "/kept")}


@case(
    "tmpfs",
    "What is in a tmpfs after restart, and after down and up?",
    services={"web": toy(tmpfs=["/data"], environment={"KEEPS": "/data/notes"})},
    expected={"before": "kept", "after restart": "", "after down and up": ""},
)
def tmpfs(stage: Stage) -> Facts:
    stage.must_up()
    stage.get("web", "/keep?text=kept")
    before = stage.get("web", "/kept")
    stage.run("restart", "web")
    after = stage.get("web", "/kept")
    stage.down()
    stage.must_up()
    return {"before": before, "after restart": after, "after down and up": stage.get("web", "/kept")}


@case(
    "override file",
    "A second file changes the first and adds a service.",
    services={"web": toy(environment={"GREETING": "from the first", "KEEPS": "unchanged"})},
    overrides={
        "compose/override.yml": described(
            {"web": {"environment": {"GREETING": "from the second"}}, "more": toy()}
        )
    },
    expected={
        "log of web": "serving from the second",
        "services": "more web",
        "what was not changed": "unchanged",
    },
)
def override_file(stage: Stage) -> Facts:
    stage.must_up()
    return {
        "log of web": stage.log("web", once_it_ends="serving"),
        "services": " ".join(sorted(stage.order("ready").split())),
        "what was not changed": stage.run("exec", "web", "--command", "sh -c 'echo $KEEPS'").out.strip(),
    }


@case(
    "profile, asked for",
    "A service of a profile comes up where the profile is asked for.",
    services={"web": toy(), "debug": toy(profiles=["debug"])},
    profiles=("debug",),
    expected={"services": "debug web", "debug answers": "well"},
)
def profile(stage: Stage) -> Facts:
    stage.must_up()
    return {
        "services": " ".join(sorted(stage.order("ready").split())),
        "debug answers": stage.get("debug", "/health"),
    }


@case(
    "profile, not asked for",
    "A service of a profile stays away where nobody asks for it.",
    services={"web": toy(), "debug": toy(profiles=["debug"])},
    expected={"services": "web"},
)
def no_profile(stage: Stage) -> Facts:
    stage.must_up()
    return {"services": " ".join(sorted(stage.order("ready").split()))}
