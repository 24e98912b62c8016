"""The invariants of requirements B6, held over random ways of documents through two to four companies.

The real verbs on the real database; only the signing itself is left out: a "signed" file is the old one with
a line more, for the verb takes it ready.  That real signatures stay valid is shown in tests/signing and in the
browser tests.  What pages add to refuse a second click, the version they were drawn from, is held here by
:meth:`Circulation._take`: each act counts one.

A new kind of act is one more rule; what must always hold is one more invariant.
"""

import datetime as dt
import itertools
import json

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app import queries
from app.clock import japan_date, now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import (
    CertificateActivation,
    DocumentEvent,
    DocumentKind,
    Letter,
    Level,
    OutboxMessage,
    PortalUser,
    SigningPassword,
    UsageRecord,
)
from app.plans import PlanKind, charge
from app.services import (
    archive,
    certificates,
    companies,
    delegations,
    documents,
    files,
    outbox,
    reassignment,
    registration,
    reminders,
    routes,
)
from app.services.files import SignedFile
from app.services.registration import Facts
from app.services.strongroom import strongroom
from app.views import timeline
from app.workflow import (
    CONCLUDED,
    HIDDEN_FROM_RECEIVERS,
    OF_THREE_OR_MORE,
    OPEN,
    UNSIGNED,
    WAITING,
    WITH_REGISTRAR,
    Action,
    Side,
    SignatureMode,
    Status,
)
from tests import pdfs

EXAMPLES, STEPS = 30, 8
MOST_STEPS_LEFT = 60  # more than the longest way of four companies has
PLANS = (PlanKind.one_side, PlanKind.one_side, PlanKind.partner, PlanKind.both_sides)  # the sender first; all pairs may deal
PARTS = ("first", "approver1", "approver2", "signer", "spare", "viewer", "admin")  # who each company has; two may sign
MET = set()  # what the random ways led to: a test that meets nothing shows nothing
WANTED = {
    "archived of 2", "archived of 3", "archived of 4", "withdrawn", "remand by 丙 after 2 signatures",
    "社内差戻 in 乙", "社内差戻 in 丙", "a deputy's sign", "a deputy's approve", "a deputy's confirm_receipt",
}  # fmt: skip
days = itertools.count(1)  # each document begins on a day of its own


class Team:
    """The people of one company, by their part."""

    def __init__(self, mark, plan):
        self.mark, self.plan = mark, plan
        company = companies.found_company(f"{mark}社", plan, now())
        company.returns_inside = True
        self.people = {}
        for part in PARTS:
            roles = queries.role_rows("Member", "CompanyAdmin") if part == "admin" else queries.role_rows("Member")
            user = PortalUser(full_name=f"{mark}の{part}", company=company, mail_address=f"{part}@company.example")
            companies.enrol(user, now(), roles=roles)
            self.people[part] = user
        certificate = certificates.issue(company, [self.people["signer"], self.people["spare"]], user, now())
        db.session.flush()
        for link in db.session.scalars(db.select(CertificateActivation).filter_by(certificate_id=certificate.id)):
            link.activated_at = now()
        db.session.commit()
        self.certificate_id, self.company_id = certificate.id, company.id
        self.comment = f"{mark}だけの話"

    def __getitem__(self, part):
        return self.people[part]

    def choice(self, approvers, signs):
        return routes.Choice(
            [self["approver1"], self["approver2"]][:approvers], self["signer"] if signs else None, [self["viewer"]]
        )


class Circulation(RuleBasedStateMachine):
    """One document on its way, by acts in any order."""

    def __init__(self, teams, upload):
        super().__init__()
        self.all_teams, self.upload = teams, upload
        self.void = set()  # ids of signatures of earlier rounds

    # -- the beginning, and the end -------------------------------------------------------

    @initialize(count=st.sampled_from((2, 3, 4, 3)), mode=st.sampled_from(SignatureMode), approvers=st.lists(st.integers(0, 2), min_size=4, max_size=4), last_remand=st.integers(1, 12), inside=st.sampled_from((2, 1, 0)), by_deputies=st.booleans(), gives_up=st.integers(0, 5))
    def register(self, count, mode, approvers, last_remand, inside, by_deputies, gives_up):
        self.inside, self.by_deputies, self.gives_up = inside, by_deputies, gives_up == 0  # how the last walk goes
        self.last_remand = last_remand  # how many acts of the last walk are undone once more
        self.now = now() + dt.timedelta(days=next(days))
        self.teams, self.approvers = self.all_teams[:count], approvers
        self.team_of = {team.company_id: team for team in self.teams}
        facts = Facts("件名", DocumentKind.contract, mode)
        if count > 2 and mode not in OF_THREE_OR_MORE:
            with pytest.raises(Refused, match="3社以上契約"):
                self._register(facts)
            db.session.rollback()
            facts = Facts("件名", DocumentKind.contract, SignatureMode.both_sides)
        self._register(facts)

    def _register(self, facts):
        sender, *receivers = self.teams
        choice = sender.choice(self.approvers[0], facts.mode.is_signed_by(Side.sender))
        self.document = registration.register(
            sender["first"], self.now, facts, self.upload, [team["first"] for team in receivers], choice, sender.comment
        )
        db.session.commit()

    def teardown(self):
        """Whatever was done, the document comes to its end (10)."""
        if not hasattr(self, "document"):
            return
        for acts in range(MOST_STEPS_LEFT):
            if self.document.status not in OPEN:
                break
            if acts == self.last_remand and self.document.status in WAITING:
                self.remand()
                if self.gives_up:
                    self.withdraw(by_admin=True, really=0)
                    break
            if self._may_return() and self.inside == self.document.turn.party.position:
                self.inside = 0  # 社内差戻 in one of the companies, once
                self.return_inside()
            self.act_by_a_deputy() if self.by_deputies and self.document.status in WAITING else self.act()
            self.what_must_hold()
        if self.document.status is Status.completion_wait:
            self.now += dt.timedelta(days=1)
            pdf = self.document.pdf_sha256
            archive.archive(self.document, self.now, file=self._grown(Level.b_lta))
            db.session.commit()
            assert queries.current_revision(self.document).made_from == pdf
            told = db.select(OutboxMessage.user_id).filter_by(document_id=self.document.id, letter=Letter.completed)
            involved = {user_id for step in self.document.route for user_id in (step.user_id, step.deputy_id)} - {None}
            assert set(db.session.scalars(told)) == involved
        assert self.document.status in (Status.archived, Status.withdrawn)
        MET.add("withdrawn" if self.document.status is Status.withdrawn else f"archived of {len(self.teams)}")
        self.what_must_hold()

    # -- acts -------------------------------------------------------------------------------

    @precondition(lambda self: self.document.status in OPEN)
    @rule(times=st.integers(1, 6), by_deputies=st.booleans())
    def go_on(self, times, by_deputies):
        """Who has the turn takes it, or the deputy, and so on: some way along the route."""
        for _ in range(times):
            if self.document.status in OPEN:
                self.act_by_a_deputy() if by_deputies and self.document.status in WAITING else self.act()
                self.what_must_hold()

    def act(self):
        actor = self.document.holder
        self._take(self._verb(), actor)
        if actor.id != self.document.holder_id:
            self._refused(self._verb_of(Action.approve), actor)  # a second click, on whatever button there was

    @precondition(lambda self: self.document.status in OPEN)
    @rule()
    def act_in_vain(self):
        """What is rolled back leaves no event and no letter (9)."""
        before = self._rows()
        self._verb()(self.document, self.document.holder)
        db.session.rollback()
        assert self._rows() == before

    @precondition(lambda self: self.document.status in WAITING)
    @rule(inside=st.booleans())
    def go_back(self, inside):
        """差戻, or where the company may, 社内差戻."""
        self.return_inside() if inside and self._may_return() else self.remand()

    def _may_return(self):
        actions = documents.actions_of(self.document, self.document.holder) if self.document.status in WAITING else ()
        return Action.return_inside in actions

    def remand(self):
        mark, signed = self.team_of[self.document.holder.company_id].mark, len(self.document.valid_signatures)
        MET.add(f"remand by {mark} after {signed} signatures")
        self.void |= {signature.id for signature in self.document.valid_signatures}
        self._take(self._verb_of(Action.remand, reason=f"{mark}の理由"), self.document.holder)

    def return_inside(self):
        """社内差戻: all turns of the own company again, and nobody else learns of it."""
        mark, signed = self.team_of[self.document.holder.company_id].mark, self.document.valid_signatures
        MET.add(f"社内差戻 in {mark}")
        self._take(self._verb_of(Action.return_inside, reason=f"{mark}の社内の理由"), self.document.holder)
        assert self.document.status is Status.receiver_receipt and self.document.valid_signatures == signed

    def act_by_a_deputy(self):
        """代理: a colleague takes the turn in the holder's place, who is told that it is taken."""
        document, absent = self.document, self.document.holder
        deputy, today = self.team_of[absent.company_id]["spare"], japan_date(now())
        if deputy is absent:
            return self.act()
        named = delegations.name_deputy(absent, deputy, today, today, absent, now())
        db.session.commit()
        verb = self._verb()
        try:
            self._take(verb, deputy)
        except Refused:  # the deputy approves this document already, or did so for another
            db.session.rollback()
            delegations.end(named, absent, now())
            db.session.commit()
            return self.act()
        event = document.events[-1]
        assert (event.actor, event.on_behalf_of) == (deputy, absent)
        MET.add(f"a deputy's {event.action.value}")
        delegations.end(named, absent, now())
        db.session.commit()
        if absent.id != document.holder_id:
            self._refused(verb, absent)

    @precondition(lambda self: self.document.status in WITH_REGISTRAR)
    @rule(approvers=st.integers(0, 2))
    def correct(self, approvers):
        """修正 by the registrar; the receivers' routes of the earlier round are gone."""
        document, (sender, *receivers) = self.document, self.teams
        self.approvers = [approvers, *self.approvers[1:]]
        facts = Facts("直した件名", document.kind, document.mode)
        choice = sender.choice(approvers, document.mode.is_signed_by(Side.sender))
        people = [team["first"] for team in receivers]
        self._take(lambda *_: registration.revise(document, document.holder, self.now, facts, None, people, choice), None)

    @precondition(lambda self: self.document.status in OPEN and self.document.revision > 0)
    @rule(by_admin=st.booleans(), really=st.integers(0, 2))
    def withdraw(self, by_admin, really):
        """By the owner, in turn and out of turn; seldom, for it ends the document."""
        if really == 0:
            self.void |= {signature.id for signature in self.document.valid_signatures}
            actor = self.teams[0]["admin"] if by_admin else self.document.registrar
            self._take(lambda document, who: documents.withdraw(document, who, self.now), actor)

    @precondition(lambda self: self.document.status in OPEN)
    @rule(company=st.integers(0, 3), place=st.integers(0, 5))
    def reassign(self, company, place):
        """担当者変更 by the administrator of any company of what is still to be done there."""
        team = self.teams[company % len(self.teams)]
        party = self.document.party_of(team.company_id)
        steps = routes.unfinished(party)
        if not steps:
            return
        replaced = steps[place % len(steps)].user
        version, replacement = self.document.version, team["first" if replaced is team["spare"] else "spare"]
        try:
            reassignment.reassign(self.document, team["admin"], replaced, replacement, self.now)
        except Refused:  # who takes over cannot sign, or approves already
            return db.session.rollback()
        db.session.commit()
        assert self.document.version == version + party.is_open

    @precondition(lambda self: self.document.status in OPEN)
    @rule(company=st.integers(0, 3), part=st.sampled_from(PARTS), action=st.sampled_from(["send", "approve", "confirm_receipt", "sign", "remand"]))
    def try_out_of_turn(self, company, part, action):
        """Nobody but the holder does anything, and the holder nothing of another turn."""
        person = self.teams[company % len(self.teams)][part]
        if person.id != self.document.holder_id or Action(action) not in documents.actions_of(self.document, person):
            self._refused(self._verb_of(Action(action)), person)

    @precondition(lambda self: self.document.status in WAITING)
    @rule()
    def remind(self):
        """リマインド by the registrar; the page that the holder has open stays good."""
        version = self.document.version
        try:
            reminders.remind(self.document, self.document.registrar, self.now)
        except (Refused, OutOfTurn):  # within the hour, or the registrar's own turn
            return db.session.rollback()
        db.session.commit()
        assert self.document.version == version

    @rule()
    def let_a_day_pass(self):
        self.now += dt.timedelta(days=1)

    # -- how ----------------------------------------------------------------------------------

    def _verb(self):
        """What the holder would do to go on."""
        document = self.document
        (action, *_) = (one for one in documents.actions_of(document, document.holder) if one not in (Action.remand, Action.return_inside))
        return self._verb_of(action)

    def _verb_of(self, action, **given):
        moment = self.now

        def sign(document, actor):
            latest = db.select(SigningPassword.id).filter_by(user_id=actor.id).order_by(SigningPassword.id.desc()).limit(1)
            password = db.session.scalar(latest)
            if password is None:  # a deputy was not asked to sign before
                outbox.give_signing_password_again(actor, moment)
                password = db.session.scalar(latest)
            documents.sign(
                document, actor, moment, file=self._grown(Level.b_lt), signing_password_id=password,
                certificate_id=self.team_of[actor.company_id].certificate_id,
            )  # fmt: skip

        def confirm_receipt(document, actor):
            team = self.team_of[actor.company_id]
            choice = team.choice(self.approvers[self.teams.index(team)], document.mode.is_signed_by(Side.receiver))
            documents.confirm_receipt(document, actor, moment, choice=choice, comment=team.comment, fee_acknowledged=True)

        return {
            Action.send: lambda document, actor: registration.send(document, actor, moment),
            Action.approve: lambda document, actor: documents.approve(document, actor, moment),
            Action.remand: lambda document, actor: documents.remand(document, actor, moment, **given),
            Action.return_inside: lambda document, actor: documents.return_inside(document, actor, moment, **given),
            Action.sign: sign,
            Action.confirm_receipt: confirm_receipt,
        }[action]

    def _grown(self, level):
        store, pdf = strongroom().store, self.document.pdf_sha256
        grown = store.get(pdf) + f"\n% {level.value} {self.document.number} {self.document.version}".encode()
        return SignedFile(store.put(grown), pdf, len(grown), level)

    def _take(self, verb, actor):
        """One act, committed; it counts a version, so that the same page sent again is refused (8)."""
        version = self.document.version
        verb(self.document, actor)
        db.session.commit()
        assert self.document.version > version

    def _refused(self, verb, actor):
        before = self._rows()
        with pytest.raises(OutOfTurn):
            verb(self.document, actor)
        db.session.rollback()
        assert self._rows() == before

    def _rows(self):
        counts = (db.session.scalar(db.select(db.func.count()).select_from(kind)) for kind in (DocumentEvent, OutboxMessage))
        return self.document.version, self.document.status, *counts

    # -- what always holds ----------------------------------------------------------------------

    @invariant()
    def what_must_hold(self):
        if hasattr(self, "document"):
            self._one_holder()
            self._no_signature_skipped_or_reused()
            self._files_only_grow()
            self._seen_in_turn()
            self._nothing_of_another_company()
            self._one_password_mail_a_day()
            self._paid_once_and_only_when_concluded()

    def _one_holder(self):
        """(1)"""
        document = self.document
        assert (document.holder is not None) == (document.status in OPEN)
        if document.status in WAITING:
            assert document.holder is document.turn.user and document.turn.status is document.status
        elif document.status in WITH_REGISTRAR:
            assert document.holder is document.registrar

    def _no_signature_skipped_or_reused(self):
        """(2, 5)"""
        document = self.document
        signed = [signature.field_name for signature in document.valid_signatures]
        if document.status in UNSIGNED:
            reached = 0
        else:
            reached = len(document.parties) if document.status in CONCLUDED else document.turn.party.position
        assert signed == [party.field_name for party in document.parties[:reached] if party.field_name]
        assert self.void.isdisjoint(signature.id for signature in document.valid_signatures)

    def _files_only_grow(self):
        """(4)"""
        document, store = self.document, strongroom().store
        revision = queries.current_revision(document)
        for signature in reversed(document.valid_signatures):
            while revision.level is not Level.b_lt:  # the archive's
                revision = self._revision(revision.made_from)
            assert (signature.result_sha256, signature.signed_sha256) == (revision.sha256, revision.made_from)
            assert store.get(revision.sha256).startswith(store.get(revision.made_from))
            revision = self._revision(revision.made_from)
        while revision.level is Level.b_lta:
            revision = self._revision(revision.made_from)
        assert revision.level is Level.none and revision.made_from == document.unsigned_sha256

    def _revision(self, sha256):
        return [revision for revision in self.document.revisions if revision.sha256 == sha256][-1]

    def _seen_in_turn(self):
        """(3) A company sees it from its own turn on, its people when they have a part in it."""
        document = self.document
        hidden = document.status in HIDDEN_FROM_RECEIVERS
        reached = 0 if hidden else len(self.teams) if document.turn is None else document.turn.party.position
        for place, team in enumerate(self.teams):
            party = document.party_of(team.company_id)
            involved = {user_id for step in party.steps for user_id in (step.user_id, step.deputy_id)} | {team["admin"].id}
            for part in ("first", ("spare", "viewer", "admin")[(document.version + place) % 3]):
                user = team[part]
                is_draft_of_other = document.sent_at is None and user.id != document.registrar_id
                expected = place <= reached and user.id in involved and not is_draft_of_other
                found = db.session.scalar(queries.documents_of(user).where(type(document).id == document.id))
                assert (found is document) is expected, (team.mark, part)

    def _nothing_of_another_company(self):
        """(3) Neither page nor mail of a company names anybody of another, or tells its comment or its reasons."""
        rows = db.session.scalars(db.select(OutboxMessage).filter_by(document_id=self.document.id)).all()
        for place, team in enumerate(self.teams):
            foreign = [f"{other.mark}の" for other in self.teams if other is not team]
            foreign += [other.comment for other in self.teams if other is not team]
            mails = [json.dumps(row.facts, ensure_ascii=False) for row in rows if row.user.company_id == team.company_id]
            pages = [str(timeline.way_of(self.document, team.company_id)), str(timeline.history_of(self.document, team.company_id))]
            for text in mails + pages:
                if place == 0:  # the sender is told the reason of a 差戻
                    for other in self.teams:
                        text = text.replace(f"{other.mark}の理由", "")
                assert not [word for word in foreign if word in text], (team.mark, text)

    def _one_password_mail_a_day(self):
        """(7)"""
        sent = db.session.execute(
            db.select(OutboxMessage.user_id, OutboxMessage.created_at).filter_by(letter=Letter.signing_password)
        ).all()
        days_of = [(user_id, japan_date(at)) for user_id, at in sent]
        assert len(days_of) == len(set(days_of))

    def _paid_once_and_only_when_concluded(self):
        """(6) One usage record for each company that pays, however many partners it has; none before the end."""
        document = self.document
        wanted = []
        if document.status in CONCLUDED:
            plans = [team.plan for team in self.teams]
            pays = {0: any(charge(plans[0], plan).own for plan in plans[1:])}
            pays |= {place: charge(plan, plans[0]).own for place, plan in enumerate(plans) if place}
            wanted = [team.company_id for place, team in enumerate(self.teams) if pays[place]]
        found = db.select(UsageRecord.company_id).filter_by(document_id=document.id)
        assert sorted(db.session.scalars(found)) == sorted(wanted)


@pytest.mark.requirement("I7", "I10", "I18", "R2", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "T17")
def test_what_must_hold_does_on_any_way(app):
    upload = files.take_in("覚書.pdf", pdfs.contract("supply-memorandum"))
    teams = [Team(mark, plan) for mark, plan in zip("甲乙丙丁", PLANS, strict=True)]
    run_state_machine_as_test(
        lambda: Circulation(teams, upload),
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert MET >= WANTED, WANTED - MET
