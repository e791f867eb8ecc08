"""Makes prices.json from the genai-prices package.

    pip install genai-prices
    python3 ccflare-core/src/pricing/convert.py [YYYY-MM-DD] > ccflare-core/src/pricing/prices.json

genai-prices is Copyright (c) Pydantic Services Inc. and contributors, under the MIT licence. What it does not say is
added below with its source. The date is the day on which the prices were looked at; it stands in every record.
"""

import datetime
import importlib.metadata
import json
import sys
from decimal import Decimal

from genai_prices import data

# Twins that the package does not list (the provider's model pages).
SAME_PRICE = {
    "claude-fable-5": ["claude-mythos-5", "claude-mythos-preview"],
    "claude-fable-5-1": ["claude-mythos-5-1"],
}
# `speed: "fast"` costs twice as much on these, `inference_geo: "us"` 1.1 times on all but the legacy ones
# (the provider's pricing page).
FAST = {"claude-opus-4-8", "claude-opus-5", "claude-opus-5-5"}
LEGACY = ("claude-2", "claude-3", "claude-v1", "claude-opus-4-0", "claude-opus-4-1", "claude-opus-4-5",
          "claude-sonnet-4-0", "claude-sonnet-4-5", "claude-haiku-4-5")

FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cacheRead": "cache_read_mtok",
    "cacheWrite5m": "cache_write_mtok",
    "cacheWrite1h": "cache_write_1h_mtok",
}


def nano(dollars):
    amount = Decimal(dollars) * 10**9
    assert amount == int(amount), f"{dollars} is not a whole number of nano-dollars"
    return int(amount)


def current(prices, day):
    """Of prices that change with a date, those that hold on this day."""
    if not isinstance(prices, list):
        return prices
    held = [entry for entry in prices if getattr(entry.constraint, "start_date", day) <= day]
    return held[-1].prices


def level(prices, tier):
    """One price for each class; `tier` counts the steps above the base."""
    found = {}
    for name, field in FIELDS.items():
        price = getattr(prices, field, None)
        if price is None:
            continue
        if hasattr(price, "base"):
            price = price.base if tier is None else price.tiers[tier].price
        found[name] = nano(price)
    # The provider's rule: twice the input price for an hour, where the package has no price of its own.
    if "cacheWrite5m" in found:
        found.setdefault("cacheWrite1h", 2 * found["input"])
    return found


def names(model):
    found = {model.id.removesuffix("-latest")}
    clauses = getattr(model.match, "or_", [model.match])
    for clause in clauses:
        text = getattr(clause, "equals", None) or getattr(clause, "starts_with", None)
        if text and not text.endswith(("@", "-latest")) and not text.endswith("2025") and not text[-8:].isdigit():
            found.add(text)
    return sorted(found | set(SAME_PRICE.get(model.id, [])))


def main():
    day = datetime.date.fromisoformat(sys.argv[1]) if len(sys.argv) > 1 else datetime.date.today()
    provider = next(provider for provider in data.providers if provider.id == "anthropic")
    models = []
    for model in provider.models:
        prices = current(model.prices, day)
        entry = {"names": names(model), "prices": level(prices, None)}
        if hasattr(prices.input_mtok, "tiers"):
            assert len(prices.input_mtok.tiers) == 1, f"{model.id} has more tiers than this format"
            entry["above"] = {"promptTokens": prices.input_mtok.tiers[0].start, "prices": level(prices, 0)}
        if model.id in FAST:
            entry["fast"] = True
        if not model.id.startswith(LEGACY):
            entry["us"] = True
        models.append(entry)
    table = {
        "date": day.isoformat(),
        "source": f"genai-prices {importlib.metadata.version('genai-prices')}, Copyright (c) Pydantic Services Inc. "
        "and contributors, MIT licence",
        "unit": "nano-dollars per million tokens",
        "models": models,
    }
    head = {key: value for key, value in table.items() if key != "models"}
    lines = ",\n    ".join(json.dumps(model) for model in models)
    print(json.dumps(head, indent=2)[:-2] + ',\n  "models": [\n    ' + lines + "\n  ]\n}")


main()
