"""The tables, by their names; each stands in `app/tables/`.  A row answers questions about itself, it does not act."""

from app.tables.application import ApplicationKind, ApplicationState, CertificateApplication, CompanyChange
from app.tables.archive import ArchiveExtension, ArchiveRecord, Condition, Damage
from app.tables.attachment import AttachmentKind, DocumentAttachment
from app.tables.bulk_download import IN_WORK, BulkDownload, BulkDownloadItem, DownloadState
from app.tables.bulk_operation import BulkOperation, BulkOperationItem, ItemState
from app.tables.case import ContractCase
from app.tables.certificate import (
    Authority,
    Certificate,
    CertificateActivation,
    SigningCode,
    SigningPassword,
    TsaRevocationList,
    Validity,
)
from app.tables.company import Company, CompanyStatus, Plan
from app.tables.consent import ConsentAct, ConsentMethod, ElectronicConsent, PaperConsent
from app.tables.delegation import Delegation
from app.tables.document import (
    AMENDING,
    ContractDocument,
    DocumentEvent,
    DocumentKind,
    DocumentParty,
    DocumentRevision,
    DocumentSignature,
    Level,
    RouteStep,
)
from app.tables.draft import RegistrationDraft
from app.tables.edition import SentEdition
from app.tables.fee import RIGHT, Fee, FeeItem, Statement, UsageRecord
from app.tables.job import JobRun, Letter, NumberSeries, OutboxMessage
from app.tables.log import LogAnchor, LogAnchorHead, LogCheck, LogEntry, LogHead
from app.tables.paper import DeliveryMethod, PaperDelivery, PaperRequest
from app.tables.person import AccountAction, AccountEvent, Lock, LoginSession, PortalUser, UserState
from app.tables.route_template import RouteTemplate, RouteTemplateStep
from app.tables.search import ListColumn, ListLayout, SavedSearch
from app.tables.service import (
    CompanyOption,
    InvitationState,
    ServiceApplication,
    ServiceEvent,
    ServiceInvitation,
    ServiceKind,
    ServiceState,
)
from app.tables.values import Utc

__all__ = [
    "AMENDING",
    "AccountAction",
    "AccountEvent",
    "ApplicationKind",
    "ApplicationState",
    "ArchiveExtension",
    "ArchiveRecord",
    "AttachmentKind",
    "Authority",
    "BulkDownload",
    "BulkDownloadItem",
    "BulkOperation",
    "BulkOperationItem",
    "Certificate",
    "CertificateActivation",
    "CertificateApplication",
    "Company",
    "CompanyChange",
    "CompanyOption",
    "CompanyStatus",
    "Condition",
    "ConsentAct",
    "ConsentMethod",
    "ContractCase",
    "ContractDocument",
    "Damage",
    "Delegation",
    "DeliveryMethod",
    "DocumentAttachment",
    "DocumentEvent",
    "DocumentKind",
    "DocumentParty",
    "DocumentRevision",
    "DocumentSignature",
    "DownloadState",
    "ElectronicConsent",
    "Fee",
    "FeeItem",
    "IN_WORK",
    "ItemState",
    "InvitationState",
    "JobRun",
    "Letter",
    "Level",
    "ListColumn",
    "ListLayout",
    "Lock",
    "LogAnchor",
    "LogAnchorHead",
    "LogCheck",
    "LogEntry",
    "LogHead",
    "LoginSession",
    "NumberSeries",
    "OutboxMessage",
    "PaperConsent",
    "PaperDelivery",
    "PaperRequest",
    "Plan",
    "PortalUser",
    "RIGHT",
    "RegistrationDraft",
    "RouteStep",
    "RouteTemplate",
    "RouteTemplateStep",
    "SavedSearch",
    "SentEdition",
    "ServiceApplication",
    "ServiceEvent",
    "ServiceInvitation",
    "ServiceKind",
    "ServiceState",
    "SigningCode",
    "SigningPassword",
    "Statement",
    "TsaRevocationList",
    "UsageRecord",
    "UserState",
    "Utc",
    "Validity",
]
