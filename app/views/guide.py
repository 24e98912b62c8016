"""操作説明 per edition, システム概要書 and よくあるご質問: open to everybody, logged in or not (L9, R4, R5).

What tells how a portal is run is for its operators.
"""

from flask_appbuilder.baseviews import BaseView, expose
from flask_login import current_user

from app.errors import NotFound

# the word in the address -> title; each is a template of that name
EDITIONS = {
    "administrator": "管理者編",
    "sender": "発信者編",
    "receiver": "受信者編",
    "one-side": "受信者編 別冊（一方のみ署名契約）",
    "archive": "長期保管編",
    "options": "オプション編",
}
FOR_OPERATORS = {"operator": "運営者編", "operator-care": "運営者編 別冊（監視と保守）"}
PAGES = {"system": "システム概要書", "faq": "よくあるご質問"}


class GuideView(BaseView):
    route_base = "/guide"
    default_view = "index"

    @expose("/")
    def index(self):
        return self.render_template("guide/index.html", title="操作マニュアル", editions=EDITIONS | _operators_own())

    @expose("/<string:page>")
    def show(self, page):
        title = (EDITIONS | PAGES | _operators_own()).get(page)
        if title is None:
            raise NotFound
        return self.render_template(f"guide/{page.replace('-', '_')}.html", title=title)


def _operators_own():
    """The editions for an operator, to an operator."""
    return FOR_OPERATORS if current_user.is_authenticated and current_user.is_operator else {}
