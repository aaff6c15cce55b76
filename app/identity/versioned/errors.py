"""What is wrong with a version or a label of anything."""

from app.core.errors import FieldError, Unprocessable


class LabelReserved(Unprocessable):
    code = "label_reserved"
    title = "This label is always the newest version"

    def __init__(self) -> None:
        wrong = FieldError("/path/label", self.code, "cannot be set or taken away")
        super().__init__("`draft` follows every change by itself.", errors=(wrong,))
