"""一括ダウンロード: build the ZIP files that were asked for, and delete those whose days are over (L7)."""

from flask import current_app

from app import queries
from app.services import bulk_downloads, bulk_files


def due(now):
    """What to do, and the id of the request: first what is to be deleted, which makes room."""
    deleting = [("delete", download_id) for download_id in queries.downloads_to_delete(now)]
    return deleting + [("build", download_id) for download_id in queries.downloads_to_build(now)]


def run_one(owed, now):
    """Delete or build one file; False when somebody else has it, it is gone, or it could not be built."""
    act, download_id = owed
    if act == "delete":
        return bulk_downloads.forget(download_id)
    token = bulk_downloads.claim(download_id, now)
    if token is None:
        return False
    return bulk_files.build(current_app._get_current_object(), download_id, token, now)
