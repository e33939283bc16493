"""`inv reset-db`"""

from __future__ import annotations

import time

from stack.commands import data_access, spare
from stack.commands.data_access import Access
from stack.commands.in_services import BACKEND
from stack.control.choice import Choice
from stack.data import keys, lock, reset
from stack.data.template import Recipe
from stack.display import messages


def run(
    choice: Choice, *, empty: bool = False, products: str = "", orders: str = "0", seed: str = "0"
) -> None:
    """Give the stack fresh data: migrated and seeded, or (``empty``) migrated only. Nothing is restarted.

    Raises:
        InvalidOption: a number that makes no sense.
        NotUp, NotDisposable: it is no running stack, or not one whose data may be thrown away.
    """
    began = time.monotonic()
    size = data_access.parse_size("--products", "0" if empty else products) if empty or products else None
    past, chance = data_access.parse_size("--orders", orders), data_access.parse_size("--seed", seed)
    access = data_access.open_access(choice)
    recipe = access.recipe(products=size, orders=0 if empty else past, seed=chance)
    if access.stores.server is None and BACKEND in access.stores.files:
        _reset_file(access, recipe)
    else:
        _reset_server(access, recipe)
    seconds = time.monotonic() - began
    messages.say(f"{access.state.name}: the database is fresh, {describe(recipe)} ({seconds:.2f} s)")


def _reset_server(access: Access, recipe: Recipe) -> None:
    reset.reset(access.live(), recipe, access.prepare, say=messages.say)
    spare.start(access.state, recipe)


def _reset_file(access: Access, recipe: Recipe) -> None:
    with lock.exclusive(access.state.name, say=messages.say):
        access.refresh_file(recipe)
        keys.replace(access.redis, [], announce=reset.VERB)


def describe(recipe: Recipe) -> str:
    """Return what is in a database of this recipe, in a few words."""
    if recipe.products == 0:
        return "migrated and empty"
    size = "" if recipe.products is None else f" with {recipe.products} products"
    orders = f" and {recipe.orders} orders" if recipe.orders else ""
    return f"migrated and seeded{size}{orders}"
