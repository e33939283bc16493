"""The files that a Dockerfile writes in place (``COPY <<EOF /file``), laid down on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from stack.engines.local import accounts
from stack.engines.protocol import Site
from stack.environments import build_commands
from stack.model import Service
from stack.plan import image_config
from stack.plan.container_paths import path_here, texts_below
from stack.plan.plan import ServicePlan
from stack.plan.service_plan import ImageConfig
from stack.records.state import make_scratch


def image_configs(services: Mapping[str, Service], site: Site) -> dict[str, ImageConfig]:
    """Return the configuration of each service's image, what its Dockerfile writes having been written."""
    configs = image_config.of_services(services, site.scratch)
    if any(config.texts for config in configs.values()):
        make_scratch(site.scratch)
    return {name: lay_down(config) if config.texts else config for name, config in configs.items()}


def lay_down(config: ImageConfig) -> ImageConfig:
    """Write the texts of an image; return it with links beside them to what is copied to the same folders."""
    executable = {str(config.files[path]) for path in config.executable if path in config.files}
    for name, text in config.texts.items():
        file = Path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755 if name in executable else 0o644)
    links = {path: link for path, link in _links(config) if _make_link(link, config.files[path])}
    return replace(config, files={**config.files, **links})


def _links(config: ImageConfig) -> Iterator[tuple[str, Path]]:
    """Path in the image -> the place for a link to what is copied there, in a folder that holds texts."""
    for written in (path for path, file in config.files.items() if str(file) in config.texts):
        folder = PurePosixPath(written).parent
        if folder == PurePosixPath("/") or {str(folder), *map(str, folder.parents)} & set(config.files):
            continue
        for path, file in config.files.items():
            if str(file) not in config.texts and PurePosixPath(path).is_relative_to(folder):
                yield path, config.files[written].parent / PurePosixPath(path).relative_to(folder)


def _make_link(link: Path, target: Path) -> bool:
    """Make a link, and return whether it is there."""
    if not link.exists() and not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    return link.is_symlink()


def copies(plans: Iterable[ServicePlan]) -> dict[Path, Path]:
    """Return the places in projects for what Dockerfiles write below what they copy, each with its origin."""
    return {point: path_here(plan, at) for plan in plans for at, point in texts_below(plan).items()}


def unseen(plan: ServicePlan) -> str:
    """Return which written files a service without mounts of its own does not find; empty where all are."""
    has_mounts = plan.network == "own" or accounts.unprivileged() is not None
    others = [at for at, place in texts_below(plan).items() if place.exists()]
    if has_mounts or not others:
        return ""
    names = ", ".join(map(str, others))
    return (
        f"{plan.name} has no mounts of its own: {names}, which its Dockerfile writes and its project has, "
        "too, is that of the Dockerfile only where a command or a variable has that whole path"
    )


def unmade(plan: ServicePlan) -> str:
    """Return what the image's build makes and a service does not find here; empty where that is nothing."""
    own = build_commands.file_commands(plan.image.build_commands)
    commands = (*own, *build_commands.bundle_commands(plan.image.copied_build_commands))
    if not commands or plan.service.local.command is not None:
        return ""
    others = f" and {len(commands) - 1} more" if len(commands) > 1 else ""
    return (
        f"{plan.name}: the local engine does not run `RUN {commands[0]}`{others} of its Dockerfile: "
        "what that makes is there where the project has it"
    )
