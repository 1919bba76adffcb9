"""Words of texts: whether they are prose, and which words many of them share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["frequent_words", "is_prose"]

PROSE_WORDS = 5.0  # mean words of a text of sentences
PROSE_CAPITALS = 0.4  # largest share of its words that begin with a capital; names of persons and places have more
COMMON_WORD = 0.02  # least share of rows with a word for the word to be a category
MOST_WORDS = 12


def is_prose(texts: Iterable[object]) -> bool:
    """Return whether texts are of sentences: of several words, most of which do not begin with a capital or a digit.

    Examples
    --------
    >>> is_prose(["the soup was cold and late"]), is_prose(["Jacobsohn, Mr. Sidney Samuel the Elder"])
    (True, False)
    """
    words = [text.split() for text in texts if isinstance(text, str)]
    all_words = [word for text in words for word in text]
    capitals = sum(word[0].isupper() or not word[0].isalpha() for word in all_words)
    return len(all_words) >= PROSE_WORDS * max(1, len(words)) and capitals <= PROSE_CAPITALS * len(all_words)


def frequent_words(texts: Iterable[object], fewest: int) -> list[str]:
    """Return the words in 2 % to 90 % of the texts, the most frequent first.

    Parameters
    ----------
    texts : iterable
        Texts; anything else is left out.
    fewest : int
        Number of texts that a word is in at least.

    Returns
    -------
    list of str
        At most 12 words.

    Examples
    --------
    >>> frequent_words(["red car", "red bus", "blue car", "green van"], fewest=2)
    ['car', 'red']
    """
    sets = [set(re.findall(r"[^\W\d_]{2,}", text)) for text in texts if isinstance(text, str)]
    counts = Counter(word for words in sets for word in words)
    least = max(fewest, COMMON_WORD * len(sets))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [word for word, count in ranked if least <= count <= 0.9 * len(sets)][:MOST_WORDS]
