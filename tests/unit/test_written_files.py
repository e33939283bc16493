"""What a Dockerfile writes in place (``COPY <<EOF``) is a file of this machine, with BuildKit's text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack.engines.local import accounts, container_files, volumes, written_files
from stack.model import Build, Mount, Service, Stack
from stack.plan import dockerfile, image_config, plan
from stack.plan.plan import ServicePlan
from stack.records import written_copies
from stack.system.mounts import Tree

WRITTEN = r"""FROM a
ARG A=arg
ENV E=env
WORKDIR /app
COPY <<EOF plain.txt
$A ${E} "q $A" '$A' \$A \n \\ a\
b ${NOPE:-d} $NOPE {"a": 1}
EOF
COPY <<'EOF' quoted.txt
$A \n
EOF
COPY <<"two.py" <<-three /dir/
$A
two.py
	tab $A
		tab2
three
COPY --chmod=755 <<EOF /usr/local/bin/start.sh
#!/bin/sh
EOF
COPY <<EOF /dir
dir
EOF
"""
PLAIN = 'arg env "q arg" \'arg\' $A n \\ a\nb d  {"a": 1}\n'


@pytest.fixture
def build(tmp_path: Path) -> Build:
    context = tmp_path / "project"
    context.mkdir()
    for name in ("old.py", "requirements.txt"):
        (context / name).write_text("of the project")
    return Build(context=context)


def plan_of(build: Build, text: str, tmp_path: Path, *, networks: bool = True, **mounts: Path) -> ServicePlan:
    """Return the plan of a service, what its Dockerfile writes having been written."""
    (build.context / "Dockerfile").write_text(text)
    targets = {f"/{name}": str(folder) for name, folder in mounts.items()}
    services = {"web": Service(name="web", build=build, mounts=tuple(map(_bind, targets, targets.values())))}
    configs = image_config.of_services(services, tmp_path / "scratch")
    return plan.make(
        Stack(name="shop", files=(), directory=build.context, services=services),
        name="shop",
        engine="local",
        services=services,
        ports={},
        folders={"web": targets},
        networks=networks,
        configs={"web": written_files.lay_down(configs["web"])},
    ).services["web"]


def _bind(target: str, source: str) -> Mount:
    return Mount(type="bind", target=target, source=source)


def test_the_texts_are_those_that_an_image_has(build: Build, tmp_path: Path) -> None:
    files = plan_of(build, f"{WRITTEN}CMD x\n", tmp_path).image.files
    assert {path: file.read_text() for path, file in files.items()} == {
        "/app/plain.txt": PLAIN,
        "/app/quoted.txt": "$A \\n\n",
        "/dir/two.py": "$A\n",
        "/dir/three": "tab arg\ntab2\n",
        "/usr/local/bin/start.sh": "#!/bin/sh\n",
        "/dir/EOF": "dir\n",
    }
    assert os.access(files["/usr/local/bin/start.sh"], os.X_OK)
    assert not os.access(files["/dir/EOF"], os.X_OK)


def test_without_a_place_for_them_they_are_left_out() -> None:
    assert image_config.of_stage(dockerfile.parse(WRITTEN, {}), None, Path("/w")).files == {}


def test_a_service_starts_beside_what_is_written_and_copied_there(build: Build, tmp_path: Path) -> None:
    text = "FROM a\nWORKDIR /app\nCOPY requirements.txt .\nCOPY <<EOF app.py\nx\nEOF\nCMD python app.py\n"
    web = plan_of(build, text, tmp_path)
    assert (web.cwd / "app.py").read_text() == "x\n"
    assert (web.cwd / "requirements.txt").resolve() == build.context / "requirements.txt"


def test_a_file_of_another_stage_is_copied(build: Build, tmp_path: Path) -> None:
    text = "FROM a AS one\nCOPY <<EOF /x\none\nEOF\nFROM a\nCOPY <<EOF /x\ntwo\nEOF\n"
    files = plan_of(build, f"{text}COPY --from=one /x /y\nCMD x\n", tmp_path).image.files
    assert {path: file.read_text() for path, file in files.items()} == {"/x": "two\n", "/y": "one\n"}


@pytest.mark.parametrize("word", ["start.sh", "/usr/local/bin/start.sh"])
def test_a_program_that_is_written_is_that_file(build: Build, tmp_path: Path, word: str) -> None:
    text = f'FROM a\nCOPY <<EOF /usr/local/bin/start.sh\n#!/bin/sh\nEOF\nENTRYPOINT ["{word}"]\n'
    web = plan_of(build, text, tmp_path)
    assert web.argv == (str(web.image.files["/usr/local/bin/start.sh"]),)


def test_a_program_that_is_copied_is_that_file(build: Build, tmp_path: Path) -> None:
    text = 'FROM a\nCOPY old.py /usr/local/bin/\nENTRYPOINT ["old.py"]\n'
    assert plan_of(build, text, tmp_path).argv == (str(build.context / "old.py"),)


BELOW = "FROM a\nWORKDIR /absent\nCOPY . .\nCOPY <<EOF new.py\nnew\nEOF\nCOPY <<EOF old.py\nold\nEOF\n"


def test_below_a_copied_folder_it_is_at_both_places(build: Build, tmp_path: Path) -> None:
    web = plan_of(build, f"{BELOW}CMD python /absent/new.py\n", tmp_path)
    written_copies.make(tmp_path, written_files.copies([web]))
    volumes.make_folders(web)
    assert (build.context / "new.py").read_text() == "new\n"
    assert (build.context / "old.py").read_text() == "of the project"
    assert web.argv[-1] == f"python {build.context}/new.py"
    for name in ("new.py", "old.py"):
        for place in (build.context / name, Path("/absent", name)):
            assert Tree(path=web.image.files[f"/absent/{name}"], at=place) in container_files.trees(
                web, tmp_path
            )
    written_copies.remove(tmp_path)
    assert sorted(os.listdir(build.context)) == ["Dockerfile", "old.py", "requirements.txt"]


def test_a_mount_hides_what_is_written_below_it(build: Build, tmp_path: Path) -> None:
    web = plan_of(build, f"{BELOW}CMD x\n", tmp_path, absent=build.context)
    assert written_files.copies([web]) == {}
    assert container_files.trees(web, tmp_path) == [Tree(path=build.context, at=Path("/absent"))]


def test_a_folder_that_is_copied_later_replaces_what_it_has(build: Build, tmp_path: Path) -> None:
    text = "FROM a\nCOPY <<EOF <<old.py /x/\nwritten\nEOF\nwritten\nold.py\nCOPY . /x\nCMD x\n"
    assert set(plan_of(build, text, tmp_path).image.files) == {"/x/EOF", "/x"}


def test_a_copy_that_somebody_changed_stays(build: Build, tmp_path: Path) -> None:
    written_copies.make(tmp_path, written_files.copies([plan_of(build, f"{BELOW}CMD x\n", tmp_path)]))
    (build.context / "new.py").write_text("changed")
    written_copies.remove(tmp_path)
    assert (build.context / "new.py").read_text() == "changed"


def test_the_folders_of_copies_go_with_them(build: Build, tmp_path: Path) -> None:
    (build.context / "kept").mkdir()
    text = "FROM a\nCOPY . /absent\n"
    text += "".join(f"COPY <<EOF /absent/{name}\nnew\nEOF\n" for name in ("a/b/c.py", "kept/d.py"))
    written_copies.make(tmp_path, written_files.copies([plan_of(build, f"{text}CMD x\n", tmp_path)]))
    assert (build.context / "a" / "b" / "c.py").read_text() == "new\n"
    written_copies.remove(tmp_path)
    assert sorted(os.listdir(build.context)) == ["Dockerfile", "kept", "old.py", "requirements.txt"]
    assert os.listdir(build.context / "kept") == []


def test_where_there_are_no_mounts_what_is_not_found_is_said(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "unprivileged", lambda: None)
    web = plan_of(build, f"{BELOW}CMD python /absent/new.py\n", tmp_path, networks=False)
    assert web.argv[-1] == f"python {web.image.files['/absent/new.py']}"
    assert written_files.unseen(web).startswith("web has no mounts of its own: /absent/old.py, which its")
    assert written_files.unseen(plan_of(build, f"{BELOW}CMD x\n", tmp_path)) == ""


BUILT = """FROM a AS build
RUN npm install
COPY . .
RUN npm run build
FROM a
COPY --from=build /app/dist ./dist
CMD node dist/main.js
"""


def test_what_the_build_of_another_stage_makes_is_said_to_be_absent(build: Build, tmp_path: Path) -> None:
    assert "`RUN npm run build`" in written_files.unmade(plan_of(build, BUILT, tmp_path))
    with_mode = BUILT.replace("npm run build", "NODE_ENV=production npm run build")
    assert "npm run build`" in written_files.unmade(plan_of(build, with_mode, tmp_path))
    for nothing in ("true", "python manage.py prepare"):  # what is copied need not be what that made
        assert written_files.unmade(plan_of(build, BUILT.replace("npm run build", nothing), tmp_path)) == ""


STAGE = """FROM a AS one
WORKDIR /w
COPY <<EOF <<two.py /folder/
one
EOF
two
two.py
COPY old.py /folder/
COPY . /all
COPY <<EOF /all/sub/new.py
new
EOF
COPY --chmod=755 <<EOF start.sh
#!/bin/sh
EOF
COPY old.py given.sh
RUN chmod +x given.sh
FROM a
"""


@pytest.mark.parametrize(
    ("copy", "files"),
    [
        ("/folder /x/", {"/x/EOF": "one\n", "/x/two.py": "two\n", "/x/old.py": "of the project"}),
        ("/folder/ /x", {"/x/EOF": "one\n", "/x/two.py": "two\n", "/x/old.py": "of the project"}),
        (
            "/folder /bin/",
            {"/bin/EOF": "one\n", "/bin/two.py": "two\n", "/bin/old.py": "of the project"},
        ),
        ("/all /x/", {"/x": None, "/x/sub/new.py": "new\n"}),
        ("/all/sub /x/", {"/x/new.py": "new\n"}),
        ("/folder/EOF /folder/two.py /x", {"/x/EOF": "one\n", "/x/two.py": "two\n"}),
    ],
)
def test_a_folder_of_another_stage_is_copied_with_what_is_written_there(
    build: Build, tmp_path: Path, copy: str, files: dict[str, str | None]
) -> None:
    made = plan_of(build, f"{STAGE}COPY --from=one {copy}\nCMD x\n", tmp_path).image.files
    assert {path: file.read_text() if file.is_file() else None for path, file in made.items()} == files


def test_what_another_stage_makes_executable_stays_so(build: Build, tmp_path: Path) -> None:
    web = plan_of(build, f"{STAGE}COPY --from=one /w /x/\nCMD x\n", tmp_path)
    assert os.access(web.image.files["/x/start.sh"], os.X_OK)
    assert set(web.image.executable) == {"/x/start.sh", "/x/given.sh"}
