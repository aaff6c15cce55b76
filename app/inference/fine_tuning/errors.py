"""What can be wrong with a fine-tuning job."""

from app.core.errors import NotFound, Unprocessable


class FineTuningJobNotFound(NotFound):
    code = "fine_tuning_job_not_found"
    title = "There is no such fine-tuning job"


class DataSetInvalid(Unprocessable):
    """`errors` name the lines at fault, from 1."""

    code = "data_set_invalid"
    title = "This data set cannot be trained on"


class FineTuningNotOffered(Unprocessable):
    code = "fine_tuning_not_offered"
    title = "This provider has no fine-tuning that can be passed on"
