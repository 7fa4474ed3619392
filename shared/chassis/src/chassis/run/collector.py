"""Python's search for cyclic garbage, as batches need it: they make very many values, all of which die with them."""

import gc

SELDOM = (50_000, 20, 20)
"""Of how many more values than died a search comes, and after how many searches one that goes further back.

Python's own 700 has each batch searched some twenty times while all of it is alive: half of a consumer's time.
"""


def search_seldom() -> None:
    """Leave what there is now out of every search to come, and let them be few."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
