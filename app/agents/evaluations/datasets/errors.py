"""What can be wrong with a dataset."""

from app.core.errors import Conflict, NotFound, PayloadTooLarge, Unprocessable


class DatasetNotFound(NotFound):
    code = "dataset_not_found"
    title = "There is no such dataset"


class CaseNotFound(NotFound):
    code = "dataset_case_not_found"
    title = "There is no such case"


class DatasetFull(Conflict):
    code = "dataset_full"
    title = "The dataset takes no more cases"


class DatasetEmpty(Conflict):
    code = "dataset_empty"
    title = "The dataset has no cases"


class CaseFileTooLarge(PayloadTooLarge):
    code = "case_file_too_large"
    title = "The file is too large"


class CaseFileMalformed(Unprocessable):
    code = "case_file_malformed"
    title = "The file cannot be read"
