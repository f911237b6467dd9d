"""Every permission, named ``context:resource:action``. Which role has which stands in ``policies/``."""

from enum import StrEnum


class Permission(StrEnum):
    """What a role may be allowed to do."""

    REGIONS_REGION_READ = "regions:region:read"
    REGISTRY_EDITION_READ = "registry:edition:read"
    REGISTRY_FAMILY_READ = "registry:family:read"
    REGISTRY_PERSON_READ = "registry:person:read"
    REGISTRY_NAME_READ = "registry:name:read"
    REGISTRY_ADDRESS_READ = "registry:address:read"
    REGISTRY_HEALTH_READ = "registry:health:read"
    REGISTRY_PERSON_LOOKUP = "registry:person:lookup"
    REGISTRY_NIK_REVEAL = "registry:nik:reveal"
    REGISTRY_IMPORT_READ = "registry:import:read"
    REGISTRY_IMPORT_RUN = "registry:import:run"
    REGISTRY_MATCHING_RUN = "registry:matching:run"
    JOBS_JOB_READ = "jobs:job:read"
    EXPORTS_EXPORT_RUN = "exports:export:run"
    INSIGHTS_SUMMARY_READ = "insights:summary:read"
    AUDIT_EVENT_READ = "audit:event:read"
    AUDIT_EVENT_SEAL = "audit:event:seal"
    AUDIT_SUBJECT_READ = "audit:subject:read"
    PRINCIPALS_GRANT_READ = "principals:grant:read"
    PRINCIPALS_GRANT_CHANGE = "principals:grant:change"
    DOCUMENTS_DOCUMENT_COMPOSE = "documents:document:compose"
    DOCUMENTS_SCHEMA_INTROSPECT = "documents:schema:introspect"
