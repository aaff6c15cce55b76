"""The routers and jobs of this domain, for the composition root."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter

from app.core.auth import Permission
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.oversight.privacy.consents.router import router as consents
from app.oversight.privacy.erasures.jobs import erasures_job
from app.oversight.privacy.erasures.router import certificates, erasures_router
from app.oversight.privacy.exports.jobs import exports_job
from app.oversight.privacy.exports.router import exports_router
from app.oversight.privacy.privacy import Privacy
from app.oversight.privacy.register.router import router as register
from app.oversight.privacy.retention.jobs import retention_job
from app.oversight.privacy.retention.router import router as retention


def privacy_routers(recent: Callable[[Permission], Any]) -> tuple[APIRouter, ...]:
    """`recent` is the guard of a person who has just proved themselves, which identity has."""
    exports, erasures = exports_router(recent), erasures_router(recent)
    return (exports, erasures, certificates, consents, retention, register)


def privacy_jobs(kernel: Kernel, privacy: Privacy) -> tuple[Job, ...]:
    return (
        exports_job(kernel, privacy),
        erasures_job(kernel, privacy),
        retention_job(kernel, privacy),
    )
