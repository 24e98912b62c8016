"""What the operator's views of the master data share.

No to-many relation is in any form or search: such a field would load and list whole tables.
"""

from copy import copy

from flask import flash, g, has_request_context, redirect, request, url_for
from flask_appbuilder import ModelView
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.widgets import ListWidget, SearchWidget

from app import queries
from app.clock import japan_date, now
from app.errors import NotFound, PortalError
from app.extensions import db
from app.labels import jst
from app.services.service_review import FOR_OPERATOR

READ_ONLY = ["can_list", "can_show"]
TIMES = ("created_at", "sent_at", "concluded_at", "started_at", "finished_at", "not_before", "not_after", "revoked_at", "due_at", "at", "applied_at", "decided_at")
SHOWN_TIMES = {name: jst for name in TIMES}
SHOWN_IF_ANY = {name: lambda row: row or "" for name in ("user", "actor", "company", "decided_by", "replaced", "issued")}


class Rows(SQLAInterface):
    """A table's rows for pages, forms and actions; asked for one that is not there, :class:`NotFound`."""

    def get(self, id, *args, **kwargs):
        row = self.find(id, *args, **kwargs)
        if row is None:
            raise NotFound
        return row

    def find(self, id, *args, **kwargs):
        """The row, or None."""
        return super().get(id, *args, **kwargs) if queries.is_id(str(id)) else None


class RowsList(ListWidget):
    """A table whose cells carry the names of their columns: on a small screen each row is a card."""

    template = "operator/_rows.html"


class RowsSearch(SearchWidget):
    """A search within the rows that the list is narrowed to."""

    template = "operator/_search.html"


class Behind(BaseFilter):
    """The rows behind a number of the ダッシュボード; its value is the conditions."""

    name = "behind"

    def apply(self, query, conditions):
        return query.where(*conditions)


class OperatorView(ModelView):
    """What all of these share.  A route of Flask-AppBuilder that nobody needs does not exist.

    A list can be narrowed to the rows behind one number of the ダッシュボード by ``?of=``, a name of
    :mod:`app.queries.operator_rows`: Flask-AppBuilder's own search knows neither states nor times.
    """

    include_route_methods = {"list", "show"}
    page_size = 20
    formatters_columns = SHOWN_TIMES
    list_template = "operator/list.html"
    list_widget = RowsList
    search_widget = RowsSearch
    _no_search = None

    def _narrowing(self):
        """What the address narrows the list to, or None; :class:`NotFound` where it is of no such rows."""
        name = request.args.get("of")
        if not name:
            return None
        moment = now()
        found = queries.operator_rows.narrowing(name, moment, japan_date(moment), FOR_OPERATOR)
        if found is None or found.table is not self.datamodel.obj:
            raise NotFound
        return found

    def _get_list_widget(self, filters, **kwargs):
        narrowing = self._narrowing()
        if narrowing:
            filters = filters.copy().add_filter("", Behind, narrowing.conditions)
        return super()._get_list_widget(filters, **kwargs)

    def render_template(self, template, **kwargs):
        is_list = template == self.list_template
        return super().render_template(template, narrowing=self._narrowing() if is_list else None, **kwargs)

    @property
    def _filters(self):
        """The search of this request; Flask-AppBuilder keeps one on the view, which all threads share."""
        if not has_request_context():
            return self._no_search
        searches = g.setdefault("operator_searches", {})
        if self.endpoint not in searches:
            searches[self.endpoint] = copy(self._no_search)
            searches[self.endpoint].clear_filters()  # lists of its own
        return searches[self.endpoint]

    @_filters.setter
    def _filters(self, filters):
        self._no_search = filters

    def offers(self, name, row):
        """Whether the page of a row has the button of this action."""
        return True

    def _get_show_widget(self, pk, item, widgets=None, actions=None, show_fieldsets=None):
        actions = actions or self.actions
        widgets = super()._get_show_widget(pk, item, widgets, actions, show_fieldsets)
        offered = {name: one for name, one in actions.items() if self.offers(name, item)}
        widgets["show"].template_args["actions"] = offered  # handed over, none would mean all to Flask-AppBuilder
        return widgets

    def get_action_permission_name(self, name):
        if name not in self.actions:
            raise NotFound
        return super().get_action_permission_name(name)

    def carry_out(self, verb, message):
        """What an action does: the verb and its commit, then back, with the refusal if there was one."""
        try:
            verb()
            db.session.commit()
            flash(message, "success")
        except PortalError as refusal:
            db.session.rollback()
            flash(refusal.sentence, "danger")
        return self.back()

    def back(self):
        """To the page of the one row that an action was about, else to the page before."""
        pk = (request.view_args or {}).get("pk")
        return redirect(url_for(f"{self.endpoint}.show", pk=pk) if pk and self.datamodel.find(pk) else self.get_redirect())

    def _list(self):
        """Flask-AppBuilder takes any page number for one, and fails."""
        asked = [value for name, value in request.args.items() if name.startswith(("page_", "psize_"))]
        if not all(value == "0" or queries.is_id(value) for value in asked):
            raise NotFound
        return super()._list()
