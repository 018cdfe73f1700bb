"""Words of a text, and how often each occurs."""


def words(text):
    return [word.strip(".,;:!?").lower() for word in text.split(" ")]


def most_common(text):
    """The word that occurs most often; the first of them when there are several."""
    counts = {}
    for word in words(text):
        counts[word] = counts.get(word, 0) + 1
    return max(counts, key=counts.get)
