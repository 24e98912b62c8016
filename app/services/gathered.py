"""One letter about many documents: how many they are, the first few by name, and what finds them all in the list.

A nightly job may have hundreds of documents to tell one person about.
"""

from app.labels import day

MOST_LISTED = 10


def facts(documents, column):
    """What the letter's template (``mail/_documents.txt``) shows.

    :param documents: rows with ``number`` and ``title``, two or more, the nearest end first
    :param column: the name of their date that the letter is about
    """
    ends = [getattr(document, column) for document in documents]
    listed = zip(documents[:MOST_LISTED], ends, strict=False)
    return {
        "count": len(documents), "until": day(ends[0]), "until_last": day(ends[-1]),
        "listed": [{"number": one.number, "title": one.title, "until": day(end)} for one, end in listed],
        "others": max(len(documents) - MOST_LISTED, 0),
        "from_date": ends[0].isoformat(), "to_date": ends[-1].isoformat(),
    }  # fmt: skip
