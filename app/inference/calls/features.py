"""The surfaces that a key may be kept to."""

from app.core.auth import Access
from app.core.errors import PermissionDenied


class FeatureNotAllowed(PermissionDenied):
    """The key may not use this surface."""

    code = "feature_not_allowed"
    title = "This key may not do that"


def expect_feature(access: Access, feature: str) -> None:
    """Raises FeatureNotAllowed."""
    features = access.rules.features
    if features is not None and feature not in features:
        raise FeatureNotAllowed(
            f"This key may not be used for {feature}; it is for: {', '.join(sorted(features))}."
        )
