"""［個人データの出力］: what the portal keeps of the person, as a file for that person (L23)."""

import json

from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.clock import now
from app.extensions import db
from app.services import personal_data
from app.views.answers import acting_person
from app.views.file_answer import file_answer


class PersonalDataView(BaseView):
    route_base = "/account/data"
    default_view = "index"

    @expose("", methods=["GET"])
    @has_access
    @permission_name("export")
    def index(self):
        return self.render_template("personal_data/index.html", title="個人データの出力")

    @expose("", methods=["POST"])
    @has_access
    @permission_name("export")
    def export(self):
        user = acting_person()
        data = json.dumps(personal_data.export(user, now()), ensure_ascii=False, indent=2)
        db.session.commit()
        return file_answer(data, "application/json", plain=f"{user.user_code}.json")
