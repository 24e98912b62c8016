"""Who pays for a document and why, for the pages on which a person decides (R60, R61, R103)."""

from dataclasses import dataclass

from app.plans import PlanKind, charge, must_acknowledge_fee


@dataclass(frozen=True)
class Fees:
    """Who pays, as one of the companies reads it."""

    own: bool
    partner: bool
    shared_with: tuple  # companies on 片方課金プラン like the own one: both pay
    own_plan: PlanKind
    partner_plans: tuple  # (company, plan) of each company dealt with

    @property
    def must_acknowledge(self):
        """Whether a person must say that they know of both companies' fees (R60)."""
        return bool(self.shared_with)


def fees_of(document, company_id, *, as_sent=True):
    """Who pays for a document, from the one table of the plans.

    :param as_sent: by the plans kept at 発信; else, before it, by those of today
    :raises app.errors.PairNotAvailable: the plans of today may not deal (R104)
    Source: R102, R103
    """
    own = document.party_of(company_id)
    partners = document.receivers if own is document.sender else [document.sender]
    plans = [(party, _plan_of(party, as_sent)) for party in partners]
    own_plan = _plan_of(own, as_sent)
    charges = [charge(own_plan, plan) for _, plan in plans]
    return Fees(
        own=any(each.own for each in charges),
        partner=any(each.partner for each in charges),
        shared_with=tuple(party.company for party, plan in plans if must_acknowledge_fee(own_plan, plan)),
        own_plan=own_plan,
        partner_plans=tuple((party.company, plan) for party, plan in plans),
    )


def _plan_of(party, as_sent):
    return (party.plan_at_sending if as_sent else None) or party.company.plan.kind
