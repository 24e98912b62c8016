"""管理者業務▼ 取引先への利用申請案内: sent, sent again, cancelled, by an administrator of a 片方課金 company (R101)."""

from flask import g, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import StringField

from app import queries
from app.clock import now
from app.errors import AlreadyInvited, NotOfThisPlan, PortalError
from app.services import invitations
from app.views.answers import acting_person, done, page_number, refuse
from app.views.fields import MailAddressRule, NameRule, one_line


class InvitationForm(FlaskForm):
    partner_name = StringField("取引先の企業名", [NameRule()], filters=[one_line])
    contact_name = StringField(
        "ご担当者名", [NameRule(may_be_empty=True)], filters=[one_line], description="メールの宛名になります。空欄の場合は「ご担当者様」になります。"
    )
    mail_address = StringField("メールアドレス", [MailAddressRule()], filters=[one_line])


class AdminInvitationsView(BaseView):
    route_base = "/admin/invitations"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        page, moment = page_number(), now()
        found = queries.invitations_of(g.user.company_id, page)
        return self.render_template(
            "admin_invitations/index.html", title="取引先への利用申請案内", found=found, open=invitations.OPEN,
            again=invitations.MAY_GO_AGAIN,
            states={one.id: invitations.state_of(one, moment) for one in found.rows},
            may_invite=invitations.may_invite(g.user.company),
            url_of_page=lambda number: url_for("AdminInvitationsView.index", page=number),
        )  # fmt: skip

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("invite")
    def new(self):
        if not invitations.may_invite(g.user.company):
            raise NotOfThisPlan
        form, status, earlier = InvitationForm(), 200, None
        if form.is_submitted():
            status = 422
            if form.validate():
                try:
                    made = invitations.invite(
                        acting_person(), now(), partner_name=form.partner_name.data,
                        contact_name=form.contact_name.data, mail_address=form.mail_address.data,
                    )  # fmt: skip
                    return _done(f"{made.partner_name}（{made.mail_address}）に、利用申請サイトの案内を送信しました。")
                except AlreadyInvited as refusal:
                    earlier_id = refusal.invitation.id
                    status = refuse(form, refusal)
                    earlier = queries.invitation_of(g.user.company_id, earlier_id)
                except PortalError as refusal:
                    status = refuse(form, refusal)
        may_again = earlier is not None and invitations.state_of(earlier, now()) in invitations.MAY_GO_AGAIN
        page = self.render_template(
            "admin_invitations/new.html", title="利用申請案内の送信", form=form, earlier=earlier if may_again else None
        )
        return page, status

    @expose("/<int:invitation_id>/again", methods=["POST"])
    @has_access
    @permission_name("invite")
    def again(self, invitation_id):
        invitation = queries.invitation_of(g.user.company_id, invitation_id)
        invitations.invite_again(invitation, acting_person(), now())
        return _done(f"{invitation.partner_name}に、新しいURLの案内を送信しました。これまでのURLは使用できません。")

    @expose("/<int:invitation_id>/cancel", methods=["POST"])
    @has_access
    @permission_name("invite")
    def cancel(self, invitation_id):
        invitation = queries.invitation_of(g.user.company_id, invitation_id)
        invitations.cancel(invitation, acting_person(), now())
        return _done(f"{invitation.partner_name}への案内を取り消しました。")


def _done(message):
    return done(message, url_for("AdminInvitationsView.index"))
