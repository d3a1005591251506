"""Holds the cases of test/unit/config/composition/cases against OmegaConf, the library under Hydra.

The tests of this package check that its own composition gives these values; this script checks that the values are
right. Values of overrides are parsed with OmegaConf's grammar, of whose elements Hydra's is a copy.
Usage: pip install omegaconf; python3 scripts/check-hydra-cases.py
"""
import json
import os
import sys
from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.grammar_parser import parse
from omegaconf.grammar_visitor import GrammarVisitor

CASES = Path(__file__).parent.parent / "test" / "unit" / "config" / "composition" / "cases"
ENVIRONMENT = {"CASE_SET": "value", "CASE_NUMBER": "10"}


def comparable(value):
    """A form in which nan equals nan and 1 differs from true."""
    if isinstance(value, dict) and "$float" in value:
        value = float(value["$float"])
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return ("number", repr(float(value)))
    return value


def parse_value(text):
    visitor = GrammarVisitor(node_interpolation_callback=None, resolver_interpolation_callback=None, memo=None)
    return visitor.visit(parse(text, parser_rule="singleElement", lexer_mode="VALUE_MODE"))


def merge(trees):
    return OmegaConf.to_container(OmegaConf.merge(*map(OmegaConf.create, trees)), resolve=True)


def resolve(tree):
    return OmegaConf.to_container(OmegaConf.create(tree), resolve=True)


def main():
    os.environ.update(ENVIRONMENT)
    os.environ.pop("CASE_UNSET", None)
    failed = total = 0
    for name, compute in (("values", parse_value), ("merging", merge), ("interpolation", resolve)):
        for given, expected in json.loads((CASES / f"{name}.json").read_text()):
            total += 1
            try:
                found = compute(given)
            except Exception as error:  # a case that OmegaConf refuses is a failure to report, not to end with
                found = f"{type(error).__name__}: {error}"
            if comparable(found) != comparable(expected):
                failed += 1
                print(f"{name}: {given!r}: expected {expected!r}, OmegaConf gives {found!r}")
    print(f"{total - failed} of {total} cases agree with OmegaConf")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
