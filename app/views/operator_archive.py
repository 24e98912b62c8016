"""長期保管の点検: what the operator sees of the archive's health, and 廃棄 after 保管期間 (T16)."""

from flask_appbuilder.actions import action

from app.clock import now
from app.labels import CONDITION, day, finding
from app.models import ArchiveRecord
from app.services import disposal
from app.views.answers import acting_person
from app.views.operator import READ_ONLY, SHOWN_TIMES, OperatorView, Rows


class ArchiveRecordModelView(OperatorView):
    """One concluded document, one row: is its file whole, until when it proves itself, what failed."""

    route_base = "/operator/archive"
    datamodel = Rows(ArchiveRecord)
    base_permissions = READ_ONLY
    include_route_methods = {"list", "show", "action"}
    list_title, show_title = "長期保管の点検", "長期保管の点検"
    label_columns = {
        "document": "契約文書", "document.retained_until": "保管満了日", "condition": "状態", "checked_at": "前回の点検", "check_due_at": "次の点検", "findings": "異常の内容",
        "failure": "処理の失敗", "provable_until": "証明できる期限", "renew_on": "タイムスタンプの更新予定",
        "stamp_algorithm": "タイムスタンプの暗号方式", "locked_until": "保存先による削除禁止の期限", "disposed_at": "廃棄日時", "disposed_by": "廃棄した方",
        "disposed_files": "廃棄したファイル（SHA-256）",
    }  # fmt: skip
    list_columns = ["document", "condition", "checked_at", "findings", "failure", "provable_until"]
    show_columns = [
        "document", "document.retained_until", "condition", "findings", "checked_at", "check_due_at", "failure",
        "provable_until", "renew_on", "stamp_algorithm", "locked_until", "disposed_at", "disposed_by", "disposed_files",
    ]  # fmt: skip
    search_columns = ["failure", "stamp_algorithm"]
    base_order = ("condition", "asc")  # damaged, sound, waiting
    formatters_columns = SHOWN_TIMES | {
        "condition": CONDITION.get, "provable_until": day, "renew_on": day, "locked_until": day,
        "document.retained_until": day,
        "findings": lambda rows: "、".join(map(finding, rows)) or "－",
        "disposed_files": lambda files: "、".join(files) or "－", "disposed_by": lambda person: person or "－",
    } | dict.fromkeys(("checked_at", "check_due_at", "disposed_at"), SHOWN_TIMES["at"])  # fmt: skip

    def offers(self, name, row):
        return disposal.may_dispose(row, now())

    @action("dispose", "ファイルを廃棄", "保管期間と満了後の閲覧期間が終わった契約文書のファイルを削除します。取り消すことはできません。よろしいですか。", "fa-trash", multiple=False)
    def dispose(self, record):
        return self.carry_out(
            lambda: disposal.dispose(record, acting_person(), now()), "廃棄を記録しました。ファイルは、次の定期処理で削除されます。"
        )


def register(appbuilder):
    appbuilder.add_view(ArchiveRecordModelView, "長期保管の点検", category="運営者業務")
