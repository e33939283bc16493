"""Base images without a registry: Debian's packages behind the official names.

Every image made here carries the label ``LABEL``, whose value is a digest of its recipe. An image without
that label is replaced only on request. Recipes are in ``tools/base-images/``.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stack.errors import BuildFailed, CommandFailed, EngineUnavailable
from stack.system import programs
from stack.system.directories import ROOT
from tools import base_tags
from tools.debian import Debian, Run

LABEL = "ecommerce.base-image.recipe"
RECIPES = ROOT / "tools" / "base-images"
REGISTRY_DEADLINE_S = 10.0
"""How long a registry may take to say whether it has a tag."""

PULL_DEADLINE_S = 300.0
State = Literal["present", "pullable", "made"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A folder of ``tools/base-images``, the tags it can replace, and the Debian release it needs."""

    folder: str
    repository: str
    version: str
    suite: str

    def replaces(self, tag: str) -> bool:
        """Return whether this can replace ``tag``: its version, in any variant except Alpine's."""
        repository, version = _split(tag)
        variant = version.removeprefix(self.version)
        same_version = version.startswith(self.version) and (not self.version or variant[:1] in {"", "-"})
        return repository == self.repository and same_version and "alpine" not in variant


TABLE = (
    Recipe(folder="python", repository="python", version="3.13", suite="trixie"),
    Recipe(folder="postgres", repository="postgres", version="15", suite="bookworm"),
    Recipe(folder="redis", repository="redis", version="7", suite="bookworm"),
    Recipe(folder="curl", repository="alpine/curl", version="", suite="bookworm"),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result for one tag: it was present, a registry has it, or it was made in ``seconds``."""

    tag: str
    state: State
    seconds: float = 0.0


def make(
    *,
    tags: Sequence[str] | None = None,
    replace: bool = False,
    say: Callable[[str], None],
    run: Run = programs.run,
) -> tuple[Outcome, ...]:
    """Make the tags that are neither present nor in a registry; ``replace`` makes all of them.

    Without ``tags``: those that the compose files and Dockerfiles name.

    Raises:
        EngineUnavailable: no Docker Engine answers.
        BuildFailed: a tag has no recipe and cannot be pulled, or a recipe failed.
    """
    builder = ImageBuilder(run=run, say=say)
    builder.require_engine()
    names = tuple(base_tags.required_tags() if tags is None else dict.fromkeys(tags))
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        answers = pool.map(lambda tag: "missing" if replace else builder.state(tag), names)
        states = dict(zip(names, answers, strict=True))
    recipes = {tag: recipe_for(tag) for tag, state in states.items() if state == "missing"}
    outcomes = builder.make(recipes, afresh=replace)
    if replace:
        say("Images built on the former ones stay as they are until `inv build --no-cache`.")
    return tuple(outcomes.get(tag) or _unchanged(tag, state, say) for tag, state in states.items())


def _unchanged(tag: str, state: str, say: Callable[[str], None]) -> Outcome:
    if state == "pullable":
        say(f"{tag}: a registry has it, nothing to make")
        return Outcome(tag=tag, state="pullable")
    say(f"{tag}: already here, nothing to make")
    return Outcome(tag=tag, state="present")


def recipe_for(tag: str) -> Recipe:
    """Return the recipe that can replace ``tag``.

    Raises:
        BuildFailed: there is none.
    """
    for recipe in TABLE:
        if recipe.replaces(tag):
            return recipe
    known = ", ".join(f"{recipe.repository}:{recipe.version or 'latest'}" for recipe in TABLE)
    raise BuildFailed(
        f"The image {tag} is not here, no registry has it, and there is no recipe for it.",
        hint=f"Load it with `docker load`, or ask for one of: {known}.",
    )


def digest(*folders: Path, extra: Sequence[str] = ()) -> str:
    """Return a short digest of all files below ``folders``: names, modes, contents."""
    total = hashlib.sha256("\0".join(extra).encode())
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            total.update(f"{path.relative_to(folder)}\0{os.access(path, os.X_OK)}\0".encode())
            total.update(path.read_bytes())
    return total.hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class ImageBuilder:
    """Asks the Docker Engine which images are present, and makes those that are missing."""

    run: Run
    say: Callable[[str], None]

    def require_engine(self) -> None:
        """Raise EngineUnavailable where no Engine answers."""
        argv = ("docker", "version", "--format", "{{.Server.Version}}")
        try:
            self.run(argv, timeout_s=REGISTRY_DEADLINE_S)
        except CommandFailed as error:
            raise EngineUnavailable(
                f"No Docker Engine answers: {error.output.strip()}.", hint="Run `.ci/docker-engine.sh start`."
            ) from error

    def state(self, tag: str) -> Literal["present", "pullable", "missing"]:
        """Return whether ``tag`` is present, can be pulled, or is missing; so is one of an old recipe."""
        label = self.label(tag)
        if label is not None:
            recipe = next((recipe for recipe in TABLE if recipe.replaces(tag)), None)
            outdated = label and recipe is not None and label != self.recipe_digest(recipe)
            return "missing" if outdated else "present"
        return "pullable" if self.can_be_pulled(tag) else "missing"

    def label(self, tag: str) -> str | None:
        """Return the digest of the recipe of ``tag``: empty for an official image, None for no image."""
        argv = ("docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', tag)
        done = self.run(argv, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def can_be_pulled(self, tag: str) -> bool:
        """Ask the registry; where the Docker Engine has mirrors configured, only a pull can tell."""
        info = self.run(("docker", "info", "--format", "{{json .RegistryConfig.Mirrors}}"), check=False)
        mirrored = info.stdout.strip() not in {"", "null", "[]"}
        argv = ("docker", "pull", "--quiet", tag) if mirrored else ("docker", "manifest", "inspect", tag)
        deadline_s = PULL_DEADLINE_S if mirrored else REGISTRY_DEADLINE_S
        try:
            return self.run(argv, timeout_s=deadline_s, check=False).returncode == 0
        except CommandFailed:
            return False

    def make(self, recipes: dict[str, Recipe], *, afresh: bool) -> dict[str, Outcome]:
        """Make each tag from its recipe, in parallel, Debian's releases first."""
        if not recipes:
            return {}
        debian = Debian.of_this_machine(self.run)
        suites = sorted({recipe.suite for recipe in recipes.values()})
        with ThreadPoolExecutor(max_workers=len(recipes)) as pool:
            bases = {suite: pool.submit(self.base, debian, suite, afresh=afresh) for suite in suites}
            jobs = {
                tag: pool.submit(self.build, tag, recipe, bases[recipe.suite].result, afresh=afresh)
                for tag, recipe in recipes.items()
            }
            return {tag: job.result() for tag, job in jobs.items()}

    def base(self, debian: Debian, suite: str, *, afresh: bool) -> str:
        """Return the tag of a bare Debian release; make it where it is missing or its recipe changed."""
        tag, recipe = f"ecommerce-debian:{suite}", self.base_digest()
        if afresh or self.label(tag) != recipe:
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="base-image-") as folder:
                archive = Path(folder) / f"{suite}.tar"
                debian.write_system(suite, archive)
                label = f"LABEL {LABEL}={recipe}"
                words = ("docker", "import", "--change", label, "--change", 'CMD ["bash"]', archive, tag)
                self.run(words, timeout_s=programs.BUILD_LIMIT_S)
            self.say(f"{tag}: made from Debian {suite} in {time.monotonic() - started:.1f} s")
        return tag

    def build(self, tag: str, recipe: Recipe, base: Callable[[], str], *, afresh: bool) -> Outcome:
        """Wait for ``base``, then build ``tag`` on it from its folder's Dockerfile."""
        image = base()
        started = time.monotonic()
        label = f"{LABEL}={self.recipe_digest(recipe)}"
        options = ("--no-cache",) if afresh else ()
        try:
            self.run(
                ("docker", "build", "--quiet", *options, "--build-arg", f"BASE={image}")
                + ("--label", label, "--tag", tag, RECIPES / recipe.folder),
                timeout_s=programs.BUILD_LIMIT_S,
            )
        except CommandFailed as error:
            raise BuildFailed(
                f"The base image {tag} could not be made: {error.output.strip()[-2000:]}"
            ) from error
        seconds = time.monotonic() - started
        self.say(f"{tag}: made from Debian {recipe.suite}'s packages in {seconds:.1f} s")
        return Outcome(tag=tag, state="made", seconds=seconds)

    def base_digest(self) -> str:
        """Return a digest of what a bare Debian release is made from, besides the release itself."""
        return digest(RECIPES / "debian", extra=(Debian.authorities_digest(),))

    def recipe_digest(self, recipe: Recipe) -> str:
        """Return a digest of what an image of ``recipe`` is made from."""
        return digest(RECIPES / recipe.folder, extra=(recipe.suite, self.base_digest()))


def _split(tag: str) -> tuple[str, str]:
    """Return repository and version: ``docker.io/library/redis:7`` -> ``redis``, ``7``."""
    name = tag.removeprefix("docker.io/").removeprefix("library/")
    repository, _, version = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
    return repository, version
