"""The tables, by their names; each stands in `app/tables/`.  A row answers questions about itself, it does not act."""

from app.tables.application import ApplicationKind, ApplicationState, CertificateApplication, CompanyChange
from app.tables.archive import ArchiveExtension, ArchiveRecord, Condition, Finding
from app.tables.certificate import (
    Authority,
    Certificate,
    CertificateActivation,
    SigningCode,
    SigningPassword,
    Validity,
)
from app.tables.company import Company, CompanyStatus, Plan
from app.tables.document import (
    ContractDocument,
    DocumentEvent,
    DocumentKind,
    DocumentParty,
    DocumentRevision,
    DocumentSignature,
    Level,
    RouteStep,
)
from app.tables.job import JobRun, Letter, NumberSeries, OutboxMessage
from app.tables.person import AccountAction, AccountEvent, Lock, LoginSession, PortalUser, UserState
from app.tables.search import ListColumn, SavedSearch
from app.tables.values import Utc

__all__ = [
    "AccountAction",
    "AccountEvent",
    "ApplicationKind",
    "ApplicationState",
    "ArchiveExtension",
    "ArchiveRecord",
    "Authority",
    "Certificate",
    "CertificateActivation",
    "CertificateApplication",
    "Company",
    "CompanyChange",
    "CompanyStatus",
    "Condition",
    "ContractDocument",
    "DocumentEvent",
    "DocumentKind",
    "DocumentParty",
    "DocumentRevision",
    "DocumentSignature",
    "Finding",
    "JobRun",
    "Letter",
    "Level",
    "ListColumn",
    "Lock",
    "LoginSession",
    "NumberSeries",
    "OutboxMessage",
    "Plan",
    "PortalUser",
    "RouteStep",
    "SavedSearch",
    "SigningCode",
    "SigningPassword",
    "UserState",
    "Utc",
    "Validity",
]
