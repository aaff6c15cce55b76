"""What can be wrong with templates."""

from collections.abc import Sequence

from app.core.errors import Conflict, FieldError, NotFound, PermissionDenied, Unprocessable


class TemplateNotFound(NotFound):
    code = "template_not_found"
    title = "There is no such template"


class TemplateVersionNotFound(NotFound):
    code = "template_version_not_found"
    title = "The template has no such version"


class TemplateLabelNotFound(NotFound):
    code = "template_label_not_found"
    title = "The template has no such label"


class TemplatePackNotFound(NotFound):
    code = "template_pack_not_found"
    title = "There is no such pack of templates"


class TemplateSlugTaken(Conflict):
    code = "template_slug_taken"
    title = "Another template has this slug"


class TooManyTemplates(Conflict):
    code = "too_many_templates"
    title = "The workspace has as many templates as it may"


class TooManyTemplateVersions(Conflict):
    code = "too_many_template_versions"
    title = "The template has as many versions as it may"


class NoRoomForWorkflows(Conflict):
    """What is said where a template makes one more than there may be."""

    code = "too_many_workflows"
    title = "The workspace has as many workflows as it may"


class TemplateArchived(Conflict):
    code = "template_archived"
    title = "The template is archived"


class TemplateScoreLow(Conflict):
    code = "template_score_low"
    title = "The version's score is lower than asked for, or it has none"


class TemplateReadOnly(PermissionDenied):
    code = "template_read_only"
    title = "The template is shared with you to read"


class TemplateNotYours(PermissionDenied):
    code = "template_not_yours"
    title = "Only its owner may do this"


class MakingNotAllowed(PermissionDenied):
    code = "scope_missing"
    title = "The credential lacks a permission"


class TemplateInvalid(Unprocessable):
    """`errors` says where: pointers into the body of the request."""

    code = "template_invalid"
    title = "The template is not valid"

    def __init__(self, wrong: Sequence[FieldError]) -> None:
        super().__init__(wrong[0].detail if wrong else "", errors=tuple(wrong))


class TemplateVariablesInvalid(Unprocessable):
    """The values do not satisfy the template's variables; `errors` says which."""

    code = "template_variables_invalid"
    title = "The variables do not fit the template"

    def __init__(self, wrong: Sequence[FieldError]) -> None:
        super().__init__(wrong[0].detail if wrong else "", errors=tuple(wrong))


class TemplateFileInvalid(Unprocessable):
    code = "template_file_invalid"
    title = "The file holds no templates"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=(FieldError("/body/content", self.code, detail),))


class TemplateGenerationFailed(Unprocessable):
    code = "template_generation_failed"
    title = "The model wrote no template that is valid"


class TemplateModelMissing(Conflict):
    code = "template_model_missing"
    title = "There is no model that can write templates"
