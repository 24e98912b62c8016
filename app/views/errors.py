"""The page for everything that was refused or went wrong: what, and what to do next."""

import logging

from flask import flash, redirect, render_template, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app.errors import NotFound, OutOfTurn, PortalError
from app.extensions import db
from app.security import login_url

log = logging.getLogger(__name__)

TITLES = {
    400: "入力内容を確認できませんでした",
    403: "この操作は行えません",
    404: "ページが見つかりません",
    405: "この操作は行えません",
    409: "処理済みです",
    410: "ファイルは廃棄されています",
    413: "ファイルが大きすぎます",
    422: "操作を完了できませんでした",
    429: "しばらくお待ちください",
    500: "エラーが発生しました",
    503: "ただいまご利用いただけません",
}
SENTENCES = {
    400: "送信された内容を確認できませんでした。前の画面に戻り、もう一度操作してください。",
    403: "ご利用の利用者IDには、この操作を行う権限がありません。",
    404: NotFound.sentence,
    405: "このURLは直接開くことができません。トップページからお進みください。",
    413: "ファイルが大きすぎるため、受け付けられませんでした。ファイルの大きさを小さくして、もう一度お試しください。",
    429: "アクセスが集中しています。1分ほど待ってから、もう一度お試しください。",
    500: "申し訳ございません。処理中にエラーが発生しました。操作は完了していません。しばらくしてから、もう一度お試しください。",
    503: "ただいまサービスをご利用いただけません。しばらくしてから、もう一度お試しください。",
}


def register(app):
    app.register_error_handler(PortalError, _portal_error)
    app.register_error_handler(StaleDataError, lambda _error: _portal_error(OutOfTurn()))
    app.register_error_handler(IntegrityError, _lost_race)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _unforeseen)


def _page(status, sentence, *, bare=False):
    document_id = (request.view_args or {}).get("document_id")
    return render_template(
        "errors/error.html", title=TITLES.get(status, TITLES[500]), status=status, sentence=sentence,
        document_id=document_id if status in (400, 409, 410, 422, 503) and not bare else None, bare=bare,
    ), status  # fmt: skip


def _portal_error(error):
    db.session.rollback()
    return _page(error.status, error.sentence)


def _lost_race(error):
    """A constraint refused what somebody else did in the same moment."""
    log.warning("refused by a constraint on %s %s: %s", request.method, _asked_for(), type(error.orig).__name__)
    return _portal_error(OutOfTurn())


def _csrf_error(_error):
    """A form without a valid token; usually the session ended while the page was open."""
    db.session.rollback()
    is_public = (request.endpoint or "").startswith("ApplyView.")  # nobody had logged in, and its address is a secret
    if not current_user.is_authenticated and not is_public:
        flash("ログインの有効時間が過ぎました。もう一度ログインしてください。", "info")
        return redirect(login_url())
    return _page(400, "画面の有効時間が過ぎたため、操作を受け付けられませんでした。前の画面に戻り、もう一度操作してください。")


def _http_error(error):
    status = error.code or 500
    if error.response is not None or status < 400:
        return error
    return _page(status, SENTENCES.get(status, SENTENCES[400 if status < 500 else 500]), bare=status == 500)


def _database_away(error):
    log.error("the database does not answer: %s", type(error.orig).__name__)
    _roll_back()
    return _page(503, SENTENCES[503], bare=True)


def _unforeseen(error):
    log.exception("unforeseen error on %s %s", request.method, _asked_for(), exc_info=error)
    _roll_back()
    return _page(500, SENTENCES[500], bare=True)


def _asked_for():
    """The path for the log; of an address that is a secret (利用申請サイト) the rule alone."""
    return request.url_rule.rule if "token" in (request.view_args or {}) else request.path


def _roll_back():
    try:
        db.session.rollback()
    except Exception:
        log.exception("the rollback failed too")
