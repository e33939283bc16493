"""The configuration of an image is read from its Dockerfile as an image build would make it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.errors import ComposeError
from stack.model import Healthcheck
from stack.plan import dockerfile, image_config
from stack.plan.image_config import BuildCommand, ImageConfig

STAGES = """
FROM python:3.13-slim AS base
ENV MODE=base
ENTRYPOINT ["python3"]
CMD ["main.py", "base"]
FROM base AS dev
CMD ["main.py", "dev"]
FROM base AS prod
ENV MODE=prod
CMD ["main.py", "prod"]
"""


def config(text: str, target: str | None = None, **build_args: str) -> ImageConfig:
    return image_config.of_stage(dockerfile.parse(text, build_args), target, Path("/w"))


def copied_files(context: Path, text: str, target: str | None = None) -> dict[str, str]:
    files = image_config.of_stage(dockerfile.parse(text, {}), target, context).files
    return {path: str(file.relative_to(context)) for path, file in files.items()}


def test_another_image_starts_anew() -> None:
    image = config('FROM a AS build\nCMD ["make"]\nENV A=1\nFROM b\nENV B=2\nCMD ["run", "it"]\n')
    assert (image.base, image.command, image.environment) == ("b", ("run", "it"), {"B": "2"})


@pytest.mark.parametrize(
    ("target", "mode", "command"),
    [(None, "prod", "prod"), ("dev", "base", "dev"), ("DEV", "base", "dev"), ("0", "base", "base")],
)
def test_a_stage_has_what_the_stages_before_it_say(target: str | None, mode: str, command: str) -> None:
    image = config(STAGES, target)
    assert image.base == "python:3.13-slim"
    assert (image.entrypoint, image.command) == (("python3",), ("main.py", command))
    assert image.environment == {"MODE": mode}


def test_an_unknown_target_is_named_with_the_stages_that_exist() -> None:
    with pytest.raises(ComposeError, match="there is no stage 'tests'") as caught:
        config(STAGES, "tests")
    assert caught.value.hint == "Stages: base, dev, prod. Check build.target."


def test_a_dockerfile_without_a_stage_is_refused() -> None:
    with pytest.raises(ComposeError, match="has no FROM"):
        config("# nothing\n")


def test_a_stage_that_is_named_like_its_image_is_not_its_own_base() -> None:
    assert config("FROM python AS python\nUSER a\n").base == "python"


def test_an_entrypoint_resets_the_command_of_an_earlier_stage_only() -> None:
    """BuildKit: ``dispatchEntrypoint`` clears Cmd where the stage itself has not set it."""
    assert config('FROM a AS b\nCMD ["old"]\nFROM b\nENTRYPOINT ["start"]\n').command == ()
    assert config('FROM a\nCMD ["own"]\nENTRYPOINT ["start"]\n').command == ("own",)


def test_what_no_stage_says_is_not_known() -> None:
    image = config("FROM a\n")
    assert (image.entrypoint, image.command, image.user, image.stop_signal) == (None, None, None, None)


def test_the_shell_form_is_run_by_a_shell() -> None:
    assert config("FROM a\nCMD run $PORT\n").command == ("/bin/sh", "-c", "run $PORT")
    shell = 'FROM a\nSHELL ["/bin/bash", "-ec"]\nCMD run\n'
    assert config(shell).command == ("/bin/bash", "-ec", "run")


def test_a_value_may_have_quotes_and_variables_and_go_on_in_the_next_line() -> None:
    text = "FROM a\nENV A=1 \\\n# why\n    B='two $words'\nENV C=\"$A-${D:-d}\"\nENV OLD form of $A\n"
    assert config(text).environment == {"A": "1", "B": "two $words", "C": "1-d", "OLD": "form of 1"}


def test_arguments_have_their_defaults_or_the_values_of_the_build() -> None:
    text = "ARG V=1\nFROM a\nARG V\nARG W=w\nARG HOME_DIR=/app/$W\nENV V=$V W=$W\nWORKDIR $HOME_DIR\n"
    assert config(text).environment == {"V": "1", "W": "w"}
    assert config(text, V="2", W="x").environment == {"V": "2", "W": "x"}
    assert config(text, W="x").working_dir == "/app/x"


def test_an_argument_of_another_stage_is_not_known() -> None:
    assert config("ARG V=1\nFROM a AS b\nARG W=2\nFROM b\nENV V=v$V W=w$W\n").environment == {
        "V": "v",
        "W": "w",
    }


def test_working_directories_add_up() -> None:
    assert config("FROM a AS b\nWORKDIR /app\nFROM b\nWORKDIR src/..\nWORKDIR x/\n").working_dir == "/app/x"


def test_user_stop_signal_and_ports_are_read() -> None:
    image = config("FROM a\nARG U=10001\nUSER $U:$U\nSTOPSIGNAL SIGINT\nEXPOSE 80 443/tcp\n")
    assert (image.user, image.stop_signal, image.ports) == ("10001:10001", "SIGINT", (80, 443))


def test_a_health_check_has_its_options_and_the_defaults_of_docker() -> None:
    text = "FROM a\nHEALTHCHECK --interval=1s --start-period=1m --retries=20 \\\n  CMD curl -f x || exit 1\n"
    assert config(text).healthcheck == Healthcheck(
        test=("CMD-SHELL", "curl -f x || exit 1"), interval_s=1, start_period_s=60, retries=20
    )
    assert config('FROM a\nHEALTHCHECK CMD ["test", "-e", "x"]\n').healthcheck == Healthcheck(
        test=("CMD", "test", "-e", "x")
    )


def test_a_later_stage_can_switch_a_health_check_off() -> None:
    assert config("FROM a AS b\nHEALTHCHECK CMD x\nFROM b\nHEALTHCHECK NONE\n").healthcheck is None


def test_a_duration_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ComposeError, match="HEALTHCHECK: 'soon' is not a duration"):
        config("FROM a\nHEALTHCHECK --interval=soon CMD x\n")


def test_build_commands_keep_their_folder_and_their_here_documents() -> None:
    text = "FROM a\nWORKDIR /app\nRUN --mount=type=cache,target=/c pip install -r x\nRUN <<E\nuv sync\nE\n"
    assert config(text).build_commands == (
        BuildCommand(text="pip install -r x", working_dir="/app"),
        BuildCommand(text="<<E\nuv sync\n", working_dir="/app"),
    )


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in ("requirements.txt", "start.sh", "app/main.py", "conf/a.ini", "conf/b.ini"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("copy", "files"),
    [
        ("COPY . .", {"/code": "."}),
        ("COPY requirements.txt /code", {"/code/requirements.txt": "requirements.txt"}),
        ("COPY ./requirements.txt .", {"/code/requirements.txt": "requirements.txt"}),
        ("COPY start.sh /start", {"/start": "start.sh"}),
        ("COPY start.sh /usr/local/bin/", {"/usr/local/bin/start.sh": "start.sh"}),
        (
            "COPY app conf /srv/",
            {"/srv/main.py": "app/main.py", "/srv/a.ini": "conf/a.ini", "/srv/b.ini": "conf/b.ini"},
        ),
        ("COPY --chown=a app /x/app", {"/x/app": "app"}),
        ("COPY conf/*.ini /etc/", {"/etc/a.ini": "conf/a.ini", "/etc/b.ini": "conf/b.ini"}),
        ('COPY ["start.sh", "/a b"]', {"/a b": "start.sh"}),
        ("ARG D=/opt/x\nADD start.sh ${D}/go", {"/opt/x/go": "start.sh"}),
        ("COPY missing.txt /x", {}),
        ("COPY --from=nginx:1 /etc/nginx /etc/nginx", {}),
        ("COPY <<EOF /etc/x\ntext\nEOF", {}),
    ],
)
def test_a_copy_puts_files_of_this_machine_into_the_image(
    copy: str, files: dict[str, str], context: Path
) -> None:
    assert copied_files(context, f"FROM a\nWORKDIR /code\n{copy}\n") == files


def test_a_copy_from_a_stage_leads_to_the_files_of_this_machine(context: Path) -> None:
    one = "FROM a AS one\nWORKDIR /w\nCOPY app app\nFROM one AS two\nRUN make\n"
    assert copied_files(context, f"{one}FROM b\nCOPY --from=two /w/app /srv/a\n") == {"/srv/a": "app"}


@pytest.mark.parametrize("line", ["CHECK this", "SOURCE venv/bin/activate", "TEXT", "ADVICE x", "COPIED a b"])
def test_a_word_that_is_no_instruction_has_no_effect(line: str) -> None:
    assert config(f"FROM a\n{line}\n") == ImageConfig(base="a")


@pytest.mark.parametrize("line", ["COPY", "COPY one", "ADD --chown=1 one"])
def test_a_copy_without_a_destination_is_refused(line: str) -> None:
    with pytest.raises(ComposeError, match=r"Dockerfile: (COPY|ADD) needs a source and a destination"):
        config(f"FROM a\n{line}\n")


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        ("FROM a AS one\nCOPY --from=one /x /x\n", "one -> one"),
        ("FROM a AS one\nCOPY --from=two /x /x\nFROM a AS two\nCOPY --from=one /x /x\n", "one -> two -> one"),
    ],
)
def test_stages_that_copy_from_each_other_are_named(text: str, circle: str) -> None:
    with pytest.raises(ComposeError, match="copy from each other in a circle: ") as raised:
        config(text)
    named = raised.value.message.rstrip(".").rpartition(": ")[2]
    assert set(named.split(" -> ")) == set(circle.split(" -> "))


def test_what_only_a_build_makes_is_not_of_this_machine(context: Path) -> None:
    one = "FROM a AS one\nWORKDIR /w\nCOPY . .\nRUN npm run build\n"
    assert copied_files(context, f"{one}FROM b\nCOPY --from=one /w/dist /srv/a\n") == {}
