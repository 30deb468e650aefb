"""Articles as two systems describe them, for tests of matching products."""

from typing import Any

THINGS = ("kettle", "toaster", "blender", "vacuum cleaner", "hair dryer", "rice cooker")
BRANDS = ("Haiyun", "Nordlicht", "Morningstar", "Bolan")
Record = dict[str, Any]


def article(system: str, number: int, **more: Any) -> Record:
    """An article in a system's words; both systems name its model, three in four by a field."""
    brand, thing = BRANDS[number % 4], THINGS[number % 6]
    model, size = f"{thing[:2].upper()}-{1000 + 37 * number}", f"{1 + number % 5}.{number % 10} l"
    title = (
        f"{brand} {thing} {size} {model}" if system == "a" else f"{model} {thing} by {brand} {size.replace(' ', '')}"
    )
    return {"source_system": system, "code": f"{number:03d}", "title": title, "brand": brand,
            "model_code": model if number % 4 else None, "price": 20.0 + number, **more}  # fmt: skip
