"""See TCP begin and end: simulate it, capture it, match the two, draw it."""

__version__ = "0.1.0"
