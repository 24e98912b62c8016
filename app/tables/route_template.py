"""回覧ルート雛形: routes that a company, or one of its people, keeps under a name."""

import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column
from app.workflow import Role, Side


class RouteTemplate(Model):
    """A named route; the whole company's where it has no owner, else that person's alone."""

    __tablename__ = "route_template"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(default=1)
    is_registration_default: Mapped[bool] = mapped_column(default=False)  # 登録の既定
    is_receipt_default: Mapped[bool] = mapped_column(default=False)  # 受取の既定
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)

    owner: Mapped[PortalUser | None] = relationship()
    steps: Mapped[list["RouteTemplateStep"]] = relationship(
        back_populates="template", order_by="RouteTemplateStep.position", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index(
            "uq_route_template_registration", "company_id", unique=True,
            sqlite_where=text("is_registration_default"), postgresql_where=text("is_registration_default"),
        ),
        Index(
            "uq_route_template_receipt", "company_id", unique=True,
            sqlite_where=text("is_receipt_default"), postgresql_where=text("is_receipt_default"),
        ),
        CheckConstraint(
            "owner_id IS NULL OR NOT (is_registration_default OR is_receipt_default)", name="default_is_the_companys"
        ),
    )  # fmt: skip

    def is_default(self, side):
        """Whether new forms of the company begin with it: 登録の既定 or 受取の既定."""
        return self.is_registration_default if side is Side.sender else self.is_receipt_default

    def people(self, role):
        """Who has `role`, in order, also those who were deleted since."""
        return [step.user for step in self.steps if step.role == role]


class RouteTemplateStep(Model):
    """One person of a 回覧ルート雛形: 承認者, 署名者 or 参照者."""

    __tablename__ = "route_template_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("route_template.id"))
    position: Mapped[int] = mapped_column()
    role: Mapped[Role] = mapped_column(enum_column(Role))
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)

    template: Mapped[RouteTemplate] = relationship(back_populates="steps")
    user: Mapped[PortalUser] = relationship(lazy="joined")

    __table_args__ = (UniqueConstraint("template_id", "position"),)
