"""What the seeded catalogue is made of: a tree of categories, with nouns, kinds and price ranges."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A leaf category: what lies there, its price range in whole units, and what its variants are."""

    root: str
    name: str
    nouns: tuple[str, ...]
    prices: tuple[int, int]
    option: str
    choices: tuple[str, ...]


def _shelf(root: str, name: str, nouns: str, low: int, high: int, option: str, choices: str) -> Shelf:
    return Shelf(
        root=root,
        name=name,
        nouns=tuple(nouns.split(", ")),
        prices=(low, high),
        option=option,
        choices=tuple(choices.split(", ")),
    )


COLOURS = "Black, White, Blue, Red"
SIZES = "S, M, L, XL"
SHELVES = (
    _shelf("Electronics", "Headphones", "Headphones, Earbuds, Headset", 19, 349, "colour", COLOURS),
    _shelf("Electronics", "Keyboards", "Keyboard, Numpad, Wrist Rest", 15, 219, "layout", "ISO, ANSI"),
    _shelf("Electronics", "Monitors", "Monitor, Portable Display", 99, 899, "size", '24", 27", 32"'),
    _shelf("Electronics", "Chargers", "Charger, Power Bank, Cable", 8, 89, "length", "1 m, 2 m, 3 m"),
    _shelf(
        "Kitchen", "Knives", "Chef Knife, Paring Knife, Bread Knife", 12, 189, "steel", "Carbon, Stainless"
    ),
    _shelf("Kitchen", "Cookware", "Pan, Pot, Wok, Casserole", 18, 240, "diameter", "20 cm, 24 cm, 28 cm"),
    _shelf("Kitchen", "Coffee", "Grinder, Kettle, Dripper, Espresso Cup", 9, 329, "colour", COLOURS),
    _shelf("Clothing", "Shirts", "Shirt, T-Shirt, Polo", 12, 89, "size", SIZES),
    _shelf("Clothing", "Jackets", "Jacket, Parka, Vest", 49, 399, "size", SIZES),
    _shelf("Clothing", "Shoes", "Sneaker, Boot, Sandal", 29, 259, "size", "38, 40, 42, 44"),
    _shelf("Outdoor", "Tents", "Tent, Tarp, Footprint", 39, 599, "persons", "1, 2, 4"),
    _shelf("Outdoor", "Backpacks", "Backpack, Daypack, Dry Bag", 19, 279, "volume", "20 l, 35 l, 60 l"),
    _shelf("Outdoor", "Lamps", "Headlamp, Lantern, Torch", 9, 129, "lumens", "200, 400, 800"),
    _shelf("Home", "Furniture", "Chair, Desk, Shelf, Stool", 39, 799, "wood", "Oak, Walnut, Birch"),
    _shelf("Home", "Lighting", "Desk Lamp, Floor Lamp, Pendant", 19, 299, "colour", COLOURS),
    _shelf("Home", "Textiles", "Blanket, Cushion, Rug", 14, 229, "colour", COLOURS),
    _shelf("Books", "Cooking", "Cookbook, Baking Guide", 9, 49, "format", "Paperback, Hardcover"),
    _shelf("Books", "Travel", "Travel Guide, Atlas, Trail Map", 7, 59, "format", "Paperback, Hardcover"),
    _shelf("Books", "Programming", "Handbook, Reference, Primer", 19, 79, "format", "Paperback, Hardcover"),
    _shelf("Sports", "Cycling", "Helmet, Pump, Bike Light, Saddle", 9, 249, "size", "S, M, L"),
    _shelf("Sports", "Yoga", "Yoga Mat, Block, Strap", 7, 99, "colour", COLOURS),
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
