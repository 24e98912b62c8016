"""A file as the answer to a request, under the name it is to be kept by."""

from urllib.parse import quote

from flask import Response


def file_answer(content, mimetype, *, plain="", name="", inline=False, **more):
    """The file, to be kept, or `inline` to be shown by the browser.

    :param content: bytes, text, or an iterator of pieces
    :param plain: a name of our own, in ASCII and without quotes
    :param name: a name in any script, whoever gave it
    :param more: further arguments of :class:`flask.Response`

    Source: RFC 6266, 4.3 (where both names are given, readers that know the second take it).
    """
    named = ["inline" if inline else "attachment"]
    if plain:
        named.append(f'filename="{plain}"')
    if name:
        named.append(f"filename*=UTF-8''{quote(name, safe='')}")
    return Response(content, mimetype=mimetype, headers={"Content-Disposition": "; ".join(named)}, **more)
