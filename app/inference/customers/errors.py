"""What can be wrong with a customer."""

from app.core.errors import Conflict, NotFound


class CustomerNotFound(NotFound):
    code = "customer_not_found"
    title = "There is no such customer"


class CustomerExists(Conflict):
    code = "customer_exists"
    title = "A customer with this id is listed already"


class TooManyCustomers(Conflict):
    code = "too_many_customers"
    title = "No more customers can be listed"
