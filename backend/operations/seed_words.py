"""The words of the seeded catalogue: a tree of categories, with nouns, variants and price ranges."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A leaf category: its products, their price range in whole units, and their variants."""

    root: str
    name: str
    nouns: tuple[str, ...]
    prices: tuple[int, int]
    option: str
    choices: tuple[str, ...]


def _leaf(root: str, name: str, nouns: str, low: int, high: int, option: str, choices: str) -> Leaf:
    return Leaf(
        root=root,
        name=name,
        nouns=tuple(nouns.split(", ")),
        prices=(low, high),
        option=option,
        choices=tuple(choices.split(", ")),
    )


COLOURS = "Black, White, Blue, Red"
SIZES = "S, M, L, XL"
LEAVES = (
    _leaf("Electronics", "Headphones", "Headphones, Earbuds, Headset", 19, 349, "colour", COLOURS),
    _leaf("Electronics", "Keyboards", "Keyboard, Numpad, Wrist Rest", 15, 219, "layout", "ISO, ANSI"),
    _leaf("Electronics", "Monitors", "Monitor, Portable Display", 99, 899, "size", '24", 27", 32"'),
    _leaf("Electronics", "Chargers", "Charger, Power Bank, Cable", 8, 89, "length", "1 m, 2 m, 3 m"),
    _leaf(
        "Kitchen", "Knives", "Chef Knife, Paring Knife, Bread Knife", 12, 189, "steel", "Carbon, Stainless"
    ),
    _leaf("Kitchen", "Cookware", "Pan, Pot, Wok, Casserole", 18, 240, "diameter", "20 cm, 24 cm, 28 cm"),
    _leaf("Kitchen", "Coffee", "Grinder, Kettle, Dripper, Espresso Cup", 9, 329, "colour", COLOURS),
    _leaf("Clothing", "Shirts", "Shirt, T-Shirt, Polo", 12, 89, "size", SIZES),
    _leaf("Clothing", "Jackets", "Jacket, Parka, Vest", 49, 399, "size", SIZES),
    _leaf("Clothing", "Shoes", "Sneaker, Boot, Sandal", 29, 259, "size", "38, 40, 42, 44"),
    _leaf("Outdoor", "Tents", "Tent, Tarp, Footprint", 39, 599, "persons", "1, 2, 4"),
    _leaf("Outdoor", "Backpacks", "Backpack, Daypack, Dry Bag", 19, 279, "volume", "20 l, 35 l, 60 l"),
    _leaf("Outdoor", "Lamps", "Headlamp, Lantern, Torch", 9, 129, "lumens", "200, 400, 800"),
    _leaf("Home", "Furniture", "Chair, Desk, Leaf, Stool", 39, 799, "wood", "Oak, Walnut, Birch"),
    _leaf("Home", "Lighting", "Desk Lamp, Floor Lamp, Pendant", 19, 299, "colour", COLOURS),
    _leaf("Home", "Textiles", "Blanket, Cushion, Rug", 14, 229, "colour", COLOURS),
    _leaf("Books", "Cooking", "Cookbook, Baking Guide", 9, 49, "format", "Paperback, Hardcover"),
    _leaf("Books", "Travel", "Travel Guide, Atlas, Trail Map", 7, 59, "format", "Paperback, Hardcover"),
    _leaf("Books", "Programming", "Handbook, Reference, Primer", 19, 79, "format", "Paperback, Hardcover"),
    _leaf("Sports", "Cycling", "Helmet, Pump, Bike Light, Saddle", 9, 249, "size", "S, M, L"),
    _leaf("Sports", "Yoga", "Yoga Mat, Block, Strap", 7, 99, "colour", COLOURS),
)

BRANDS = (
    "Alder", "Birchwood", "Cairn", "Delphin", "Everly", "Fjord", "Granite", "Harbor",
    "Iris", "Juniper", "Kestrel", "Lumen", "Meridian", "Nordic", "Onyx", "Pinecrest",
)  # fmt: skip
QUALITIES = (
    "Classic", "Compact", "Deluxe", "Essential", "Everyday", "Feather", "Heritage", "Light",
    "Modern", "Original", "Premium", "Pro", "Quiet", "Rugged", "Slim", "Studio",
)  # fmt: skip
PRAISE = (
    "Made to be used every day and repaired when it breaks.",
    "Tested for ten thousand hours before it left the workshop.",
    "Light enough to forget, strong enough to rely on.",
    "Designed with people who do this for a living.",
    "Comes in plastic-free packaging.",
    "A favourite of our own staff.",
)
