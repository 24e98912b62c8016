"""［長期保管契約文書検索／一覧］ (R94)."""

from app.models import ListColumn
from app.views.document_list import ArchiveForm, SearchView


class ArchiveListView(SearchView):
    route_base = "/archive"
    form_class, in_archive = ArchiveForm, True
    title, template, file_name = "長期保管契約文書検索／一覧", "archive_list/index.html", "archive"
    columns = (
        ListColumn.number, ListColumn.title, ListColumn.partner, ListColumn.conclusion_date, ListColumn.amount,
        ListColumn.archived_on, ListColumn.retained_until,
    )  # fmt: skip
    choosable = (
        ListColumn.number, ListColumn.title, ListColumn.kind, ListColumn.mode, ListColumn.partner,
        ListColumn.partner_number, ListColumn.case, ListColumn.conclusion_date, ListColumn.amount, ListColumn.registered_on,
        ListColumn.archived_on, ListColumn.retained_until,
    )  # fmt: skip
