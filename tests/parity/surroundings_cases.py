"""Cases of a service's surroundings: environment, addresses, limits."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from parity.case import CURL, Facts, case, needs, toy
from parity.toy_stack import ToyStack

NAMES = ("GREETING", "EMPTY", "SPACED", "DOLLAR", "FROM_FILE")


@case(
    "environment",
    "Which environment does a service see?",
    services={
        "web": toy(
            environment={
                "GREETING": "hello ${NAME_OF_ALL:-everybody}",
                "EMPTY": "",
                "SPACED": "a  b",
                "DOLLAR": "$$x",
            },
            env_file=[{"path": "../toys.env", "required": True}],
        )
    },
    overrides={"toys.env": "FROM_FILE=a value\nGREETING=is overruled\n"},
    expected={
        "GREETING": "hello everybody",
        "EMPTY": "",
        "SPACED": "a  b",
        "DOLLAR": "$x",
        "FROM_FILE": "a value",
        "HOST": "",
        "PORT": "",
        "HOSTNAME": "its own",
        "of the caller": "no",
    },
)
def environment(stack: ToyStack) -> Facts:
    stack.require_up()
    actual = json.loads(stack.get("web", "/environment"))
    return {
        **{name: actual.get(name, "(not set)") for name in NAMES},
        "HOST": actual.get("HOST", ""),
        "PORT": "a host port" if "PORT" in actual else "",
        "HOSTNAME": "its own" if "HOSTNAME" in actual else "",
        "of the caller": "yes" if "STACK_NAME" in actual or "PYTEST_VERSION" in actual else "no",
    }


@case(
    "addresses",
    "Do services find each other, and what do their addresses look like from inside?",
    services={
        "web": toy(
            environment={"PEER": "http://peer:8000/health", "HIDDEN": "http://hidden:8000/health"},
            depends_on=needs(peer="healthy", hidden="started"),
        ),
        "peer": toy(),
        "hidden": toy(check=None, ports=[], expose=["8000"]),
    },
    expected={
        "PEER is answered": "200 well",
        "HIDDEN is answered": "200 well",
        "PEER as web sees it": "http://peer:8000/health",
        "published ports of hidden": "none",
    },
)
def addresses(stack: ToyStack) -> Facts:
    stack.require_up()
    stack.wait(lambda: stack.get("web", "/ask?variable=HIDDEN") == "200 well")
    actual = json.loads(stack.get("web", "/environment"))["PEER"]
    return {
        "PEER is answered": stack.get("web", "/ask?variable=PEER"),
        "HIDDEN is answered": stack.get("web", "/ask?variable=HIDDEN"),
        "PEER as web sees it": re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", actual),
        "published ports of hidden": ", ".join(map(str, stack.ports("hidden"))) or "none",
    }


@case(
    "joined network",
    "Do services of one network (`network_mode: service:NAME`) share localhost, and starts one without any?",
    services={
        "web": toy(
            environment={"BESIDE": "http://localhost:8001/health"},
            ports=["127.0.0.1::8000", "127.0.0.1::8001"],
        ),
        "beside": toy(
            environment={"PORT": "8001", "HOST": "", "WEB": "http://localhost:8000/health"},
            network_mode="service:web",
            ports=[],
            check={
                **CURL,
                "test": [
                    "CMD",
                    "python3",
                    "-c",
                    "import urllib.request as u; u.urlopen('http://localhost:8001/health')",
                ],
            },
        ),
        "peer": toy(
            environment={"WEB": "http://web:8001/health", "NAMELESS": "http://beside:8001/health"},
            depends_on=needs(beside="healthy"),
        ),
        "alone": toy(check=None, ports=[], network_mode="none"),
    },
    expected={
        "web asks localhost": "200 well",
        "peer asks web": "200 well",
        "peer asks beside": "failed: gaierror",
        "beside, at a port of web, asks localhost": "200 well",
        "alone": "ready",
    },
)
def joined_network(stack: ToyStack) -> Facts:
    stack.require_up()
    return {
        "web asks localhost": stack.get("web", "/ask?variable=BESIDE"),
        "peer asks web": stack.get("peer", "/ask?variable=WEB"),
        "peer asks beside": stack.get("peer", "/ask?variable=NAMELESS"),
        "beside, at a port of web, asks localhost": stack.get("web", "/ask?variable=WEB", port=8001),
        "alone": stack.verdict("alone"),
    }


@case(
    "walls",
    "What holds a service back: read-only mounts, a read-only root, memory, user, folder? What is its own?",
    services={
        "web": toy(
            read_only=True,
            user="65534",
            working_dir="/usr",
            tmpfs=["/own:uid=65534,gid=65534,mode=0700"],
            environment={
                "MOUNTED": "/toys/written",
                "ROOT": "/var/tmp/parity-written",
                "OWN": "/own/written",
            },
        )
    },
    expected={
        "write to a read-only mount": "refused: Read-only file system",
        "write to a read-only root": "refused: Read-only file system",
        "write to a tmpfs of its account": "written",
        "uid": "65534",
        "folder": "/usr",
    },
)
def walls(stack: ToyStack) -> Facts:
    stack.require_up()
    place = json.loads(stack.get("web", "/place"))
    facts = {
        "write to a read-only mount": stack.get("web", "/write?path=MOUNTED"),
        "write to a read-only root": stack.get("web", "/write?path=ROOT"),
        "write to a tmpfs of its account": stack.get("web", "/write?path=OWN"),
        "uid": "the caller's" if place["uid"] == os.getuid() else str(place["uid"]),
        "folder": "the compose file's" if Path(place["cwd"]) == stack.folder / "compose" else place["cwd"],
    }
    stack.run("exec", "web", "--command", "rm -f /var/tmp/parity-written")
    return facts


@case(
    "memory limit",
    "A service takes more memory than `mem_limit` allows.",
    services={"web": toy(mem_limit="48m", memswap_limit="48m", environment={"TAKES_MIB": "160"})},
    expected={"exit code of up": "3", "web": "exited: killed by SIGKILL (out of memory)"},
)
def memory_limit(stack: ToyStack) -> Facts:
    up = stack.up("--timeout", "15")
    return {"exit code of up": str(up.code), "web": stack.verdict("web")}
