"""The example application: one idea per module, in the order in which the handlers are tried."""

from . import deliveries, keywords, opt_out, orders, pictures, problems, receipts, reminders, reports, signup

routers = [
    keywords.router,
    orders.router,
    receipts.router,
    signup.router,
    pictures.router,
    deliveries.router,
    problems.router,
    opt_out.router,
    reports.router,
    reminders.router,
]
